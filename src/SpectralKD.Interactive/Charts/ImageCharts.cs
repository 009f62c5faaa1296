using Plotly.NET;

namespace SpectralKD.Interactive;

public static partial class Charts
{
    private const int ClassesAtEachEnd = 4;

    /// <summary>The U-curves of the classes of images: mean intensity of each class, the four with the highest and the four with the lowest mean where they are more than eight.</summary>
    /// <param name="spectrum">A spectrum that kept the intensities of single images (<see cref="SpectralOptions.PerImage"/>).</param>
    /// <param name="fromZero">True begins the vertical axis at zero instead of near the lowest value.</param>
    /// <exception cref="SpectralKDException">It did not keep them.</exception>
    public static GenericChart ByClass(ModelSpectrum spectrum, bool fromZero = false)
    {
        var table = PerImage(spectrum);
        var all = Enumerable.Range(0, table.Names.Length).GroupBy(image => table.Classes[image]).Select(images => (
                Name: images.Key.Length == 0 ? "all images" : images.Key,
                Count: images.Count(),
                Values: table.Intensities.Select(values => images.Average(image => values[image])).ToList()))
            .OrderByDescending(one => one.Values.Average()).ToList();
        var shown = all.Count <= 2 * ClassesAtEachEnd ? all : [.. all.Take(ClassesAtEachEnd), .. all.TakeLast(ClassesAtEachEnd)];
        var which = all.Count == shown.Count ? "" : $" · the {ClassesAtEachEnd} highest and {ClassesAtEachEnd} lowest of {all.Count} classes";
        var curves = new UCurves("Spectral intensity over depth by class", UCurveText.Subject(spectrum, which), [spectrum, spectrum], relative: false);
        for (var i = 0; i < shown.Count; i++)
        {
            var (name, count, values) = shown[i];
            curves.Add(spectrum, name, PlainText.Count(count, "image"), SeriesLook.Of(i) with { Dash = "solid" }, values, block => $"<b>{ChartLook.Text(name)}</b> " + FormattableString.Invariant($"{values[spectrum.Blocks.IndexOf(block)]:G4}"));
        }

        return curves.Build(UCurveAxes.Intensity([spectrum], normalize: false), fromZero);
    }

    /// <summary>
    /// The radial spectrum of the images themselves beside the first analysed block's, each over its amplitude at one cycle per image: how much of the curve is the pictures' own. Both scales are
    /// logarithmic; natural images fall nearly as a straight line.
    /// </summary>
    /// <param name="spectrum">A spectrum of the spatial domain.</param>
    /// <param name="images">The images, prepared here as for the model.</param>
    /// <param name="count">How many of them at most, spread over the classes.</param>
    /// <exception cref="SpectralKDException">The spatial domain was not analysed, or no image can be read.</exception>
    public static GenericChart InputSpectrum(ModelSpectrum spectrum, IImageSource images, int count = 100)
    {
        ArgumentNullException.ThrowIfNull(images);
        ChartNeeds.Domain(spectrum, SpectralDomain.Spatial);
        var input = InputOf(spectrum, images, count);
        var first = spectrum.Blocks[0];
        var x = ChartLook.Axis("Spatial frequency (cycles per image, log scale)");
        LogScale.Apply(x, 1, input.RadialCounts.Length - 1);
        var y = ChartLook.Axis("Mean |F| / that of one cycle (log scale)");
        var curves = new[] { input, first }.Select(block => block.RadialAmplitude!.Value.Skip(1).Select(value => value / block.RadialAmplitude.Value[1]).ToList()).ToList();
        LogScale.Apply(y, Math.Max(1e-9, curves.SelectMany(values => values).Min()), curves.SelectMany(values => values).Max());
        var chart = new ChartBuilder("Spectrum of the images and of the first block", UCurveText.Subject(spectrum, FormattableString.Invariant($" · input: {input.Images} of the images, {input.Height} × {input.Width} pixels")))
            .Layout("xaxis", x).Layout("yaxis", y).Layout("showlegend", true);
        SeriesLook[] looks = [new SeriesLook(ChartLook.Ink, "dash", "circle"), SeriesLook.OfModels([spectrum])[0]];
        string[] names = ["the images (mean over red, green, blue)", first.Name];
        for (var i = 0; i < curves.Count; i++)
        {
            var line = SeriesLine.Of(looks[i], names[i], Enumerable.Range(1, curves[i].Count).Select(ring => (double)ring), curves[i], markers: i > 0);
            line["hovertemplate"] = $"{ChartLook.Text(names[i])}<br>%{{x}} cycles per image: %{{y:.3g}}<extra></extra>";
            chart.Trace("scatter", line);
        }

        return chart.Build();
    }

    internal static SpectrumImages PerImage(ModelSpectrum spectrum) => spectrum.PerImage ?? throw new SpectralKDException(
        $"{spectrum.Model} was analysed without keeping the intensities of single images: analyse it again with --per-image (SpectralOptions.PerImage)");

    /// <summary>The images as if they were a block's maps of three channels.</summary>
    private static BlockSpectrum InputOf(ModelSpectrum spectrum, IImageSource images, int count)
    {
        var prepared = spectrum.Parts.IsDefaultOrEmpty ? null : spectrum.Parts[0].Input;
        var (size, preprocessing) = prepared is null ? (new ImageSize(224, 224), Preprocessing.ImageNet)
            : (prepared.Size, new Preprocessing { CropFraction = prepared.Crop, Squash = prepared.Resize.Squash, Mean = prepared.Mean, Std = prepared.Std });
        var sums = new SpectrumAccumulator("input", [new BlockInfo(0, "input", 3, size.Height, size.Width)]);
        var options = new BatchOptions { Indices = ClassBalance.Draw(images, Enumerable.Range(0, images.Count), count, seed: 0), BatchSize = 8 };
        foreach (var batch in ImageBatches.Read(images, preprocessing, size, options))
        {
            using (batch)
            {
                sums.Add([new FeatureMap(0, batch.Images)]);
            }
        }

        return sums.ToSpectrum(images.Name).Blocks[0];
    }
}
