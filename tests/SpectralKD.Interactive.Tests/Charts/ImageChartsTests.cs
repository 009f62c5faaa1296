using System.Text.RegularExpressions;
using Plotly.NET;
using SpectralKD.Interactive.Tests.Magic;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Interactive.Tests.Charting;

/// <summary>Charts of single images and classes, and blocks linked to their U-curve.</summary>
public sealed class ImageChartsTests
{
    private static readonly IImageSource Images = SpectralKD.Data.Textures.Create(30, 32, seed: 3);
    private static readonly Lazy<ModelSpectrum> Kept = new(Analyse);

    [Fact]
    public async Task Each_chart_of_images_is_one_line()
    {
        var host = Host();
        foreach (var line in new[] { "chart classes", "chart extremes --layers 0", "chart input", "ucurve spectrum --linked --images images" })
        {
            await SpectralKD.Interactive.Magic.MagicLine.ExecuteAsync($"#!spectral-{line}", host);
        }

        Assert.Equal(["spectral intensity over depth by class", "extremes", "spectrum of the images and of the first block", "linked"], host.Displayed.Select(shown => shown switch
        {
            GenericChart chart => ChartText.Of(chart).ToLowerInvariant()["[chart] ".Length..].Split(':')[0],
            ExtremeImagesView => "extremes",
            LinkedBlocks => "linked",
            _ => "",
        }));
    }

    [Fact]
    public async Task Where_nothing_was_kept_or_the_images_are_others_the_error_says_what_to_do()
    {
        var host = Host();
        host["plain"] = Kept.Value with { PerImage = null };
        host["others"] = SpectralKD.Data.Textures.Create(10, 32, seed: 3);
        Assert.Contains("--per-image", await Error("chart classes --spectra plain"), StringComparison.Ordinal);
        Assert.Contains("--per-image", await Error("chart extremes --spectra plain"), StringComparison.Ordinal);
        Assert.Contains("are not the images that were analysed", await Error("chart extremes --images others"), StringComparison.Ordinal);
        Assert.Contains("--images is for --linked", await Error("ucurve spectrum --images images"), StringComparison.Ordinal);

        async Task<string> Error(string line)
        {
            var shown = host.Displayed.Count;
            try
            {
                await SpectralKD.Interactive.Magic.MagicLine.ExecuteAsync($"#!spectral-{line}", host);
                (host.Displayed[shown] as INotebookView)?.ToHtml();
            }
            catch (SpectralKDException error)
            {
                return error.Message;
            }

            return "no error";
        }
    }

    [Fact]
    public void A_class_is_the_mean_of_its_images_and_many_classes_show_both_ends()
    {
        var table = Kept.Value.PerImage!;
        var lines = UCurveTests.Traces(Charts.ByClass(Kept.Value));
        var first = lines.First(line => line.GetProperty("name").GetString()!.StartsWith(table.Classes[0], StringComparison.Ordinal));
        var own = Enumerable.Range(0, 30).Where(image => table.Classes[image] == table.Classes[0]);

        Assert.Equal(own.Average(image => table.Intensities[1][image]), UCurveTests.Numbers(first, "y")[1], 1e-12);
        var many = Kept.Value with { PerImage = table with { Classes = [.. Enumerable.Range(0, 30).Select(image => $"class {image}")] } };
        Assert.Equal(8, UCurveTests.Traces(Charts.ByClass(many)).Count);
        Assert.Contains("the 4 highest and 4 lowest of 30 classes", ChartText.Of(Charts.ByClass(many)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_extremes_are_in_order_with_their_spectra()
    {
        var view = new ExtremeImagesView(Kept.Value, Images, 0, 3);
        var shown = Regex.Matches(view.ToPlainText(), @" ([0-9.E+-]+): ").Select(match => double.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        var all = Kept.Value.PerImage!.Intensities[0].Order().ToList();

        Assert.Equal(6, shown.Count);
        Assert.Equal(all[^1], shown[0], 1e-3 * all[^1]);
        Assert.Equal(all[0], shown[3], 1e-3 * all[0]);
        Assert.Equal(6, view.ToHtml().Split("alt=\"Its spectrum\"").Length - 1);
    }

    [Fact]
    public void A_stripe_pattern_has_two_points_in_its_spectrum()
    {
        using var spectrum = SkiaSharp.SKBitmap.Decode(ContactSheet.SpectrumThumbnail(new Stripes(), 0));
        var bright = Enumerable.Range(0, 64 * 64).Where(i => spectrum.GetPixel(i % 64, i / 64).Red > 200).Select(i => (i % 64, i / 64));

        Assert.Equal([(32 - 8, 32), (32 + 8, 32)], bright);
    }

    [Fact]
    public void The_linked_curve_has_round_numbers_on_its_axis()
    {
        var numbers = Regex.Matches(new LinkedBlocks(Kept.Value).ToHtml(), "text-anchor=\"end\">([^<]+)<").Select(match => double.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.InRange(numbers.Count, 3, 6);
        Assert.Equal(0, numbers[0]);
        Assert.True(numbers[^1] <= Kept.Value.Intensities.Max() * 1.1);
        Assert.All(numbers, number => Assert.Equal(number, double.Parse(number.ToString("G1", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture), 1e-12));
    }

    [Fact]
    public void The_linked_page_needs_nothing_from_outside_and_shows_each_block_by_pointer_and_keys()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "blocks.html");
        new LinkedBlocks(Kept.Value, Images).Save(path);
        var page = File.ReadAllText(path);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        Assert.DoesNotContain("src=\"http", page, StringComparison.Ordinal);
        Assert.True(page.Length < 400_000);

        SkipWithoutBrowser();
        var dom = HeadlessBrowser.Dom(page.Replace("</body>", """
            <pre id="said"></pre><script>
            var said=[],root=document.querySelector('.spectralkd-linked'),points=root.querySelectorAll('circle[data-block]');
            function tell(){said.push(root.querySelector('.skd-detail b').textContent+' '+root.querySelectorAll('.skd-detail canvas').length+root.querySelectorAll('.skd-detail img').length);}
            tell();
            points[0].dispatchEvent(new MouseEvent('mouseenter'));tell();
            points[0].dispatchEvent(new MouseEvent('mouseleave'));tell();
            points[1].dispatchEvent(new MouseEvent('click'));tell();
            points[1].dispatchEvent(new KeyboardEvent('keydown',{key:'ArrowRight'}));tell();
            points[2].dispatchEvent(new KeyboardEvent('keydown',{key:'Home'}));tell();
            said.push(root.querySelectorAll('[tabindex="0"]').length);
            document.getElementById('said').textContent=said.join(', ');
            </script></body>
            """, StringComparison.Ordinal));
        var last = Kept.Value.Blocks[^1].Name;
        Assert.Equal($"{last} 15, blocks.0 15, {last} 15, blocks.1 15, blocks.2 15, blocks.0 15, 1", Regex.Match(dom, "<pre id=\"said\">([^<]*)</pre>").Groups[1].Value);
    }

    private static FakeHost Host() => new() { ["spectrum"] = Kept.Value, ["images"] = Images };

    private static ModelSpectrum Analyse()
    {
        using var model = ModelLoader.Load("deit_nano_patch4_32", new() { Weights = "seeded" });
        return SpectralAnalysis.Run(model, Images, new SpectralOptions { PerImage = true });
    }

    private static void SkipWithoutBrowser()
    {
        try
        {
            Browser.Find();
        }
        catch (SpectralKDException)
        {
            Assert.Skip("skipped: no Chromium, Chrome or Edge is installed");
        }
    }

    private sealed class Stripes : IImageSource
    {
        public string Name => "stripes";

        public int Count => 1;

        public IReadOnlyList<string> Classes => ["stripes"];

        public int Label(int index) => 0;

        public string ItemName(int index) => "stripes";

        public RgbImage Read(int index)
            => new(64, 64, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)Math.Round(128 + (100 * Math.Cos(2 * Math.PI * 8 * (i / 3 % 64) / 64))))]);
    }
}
