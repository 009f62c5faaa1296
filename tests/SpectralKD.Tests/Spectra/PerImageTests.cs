namespace SpectralKD.Tests.Spectra;

public sealed class PerImageTests : IDisposable
{
    private static readonly IImageSource Images = Textures.Create(11, 32, seed: 3);
    private readonly VisionModel _model = ModelCatalog.Create("deit_nano_patch4_32", seed: 1);

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(SpectralDomain.Spatial)]
    [InlineData(SpectralDomain.Channel)]
    [InlineData(SpectralDomain.Both)]
    public void The_mean_over_the_kept_images_is_the_blocks_intensity(SpectralDomain domain)
    {
        var spectrum = Analyse(domain: domain);
        var images = spectrum.PerImage!;

        Assert.Equal(Enumerable.Range(0, 11), images.Places);
        Assert.Equal(Enumerable.Range(0, 11).Select(index => Images.Classes[Images.Label(index)]), images.Classes);
        Assert.All(spectrum.Blocks.Zip(images.Intensities), pair => Assert.Equal(pair.First.Intensity!.Value, pair.Second.Average(), 1e-12));
        Assert.Null(SpectralAnalysis.Run(_model, Images).PerImage);
    }

    [Fact]
    public void Parts_in_any_order_give_the_list_of_one_analysis()
    {
        var (whole, one, two, three) = (Analyse(), Analyse("1/3"), Analyse("2/3"), Analyse("3/3"));
        var merged = three.Merge(one).Merge(two).PerImage!;

        Assert.Equal(whole.PerImage!.Names, merged.Names);
        Assert.Equal(whole.PerImage.Classes, merged.Classes);
        Assert.All(whole.PerImage.Intensities.Zip(merged.Intensities), pair => Assert.Equal(pair.First, pair.Second));
        Assert.Contains("intensities of single images", Assert.Throws<SpectralKDException>(() => one.Merge(SpectralAnalysis.Run(_model, Images, new() { Shard = DataShard.Parse("2/3") }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_comes_back_from_json_and_one_with_holes_is_refused()
    {
        var spectrum = Analyse();
        var again = ModelSpectrum.FromJson(spectrum.ToJson());

        Assert.Equal(spectrum.PerImage!.Intensities[2], again.PerImage!.Intensities[2]);
        Assert.Equal(spectrum.PerImage.Names, again.PerImage.Names);
        Assert.DoesNotContain("per_image", SpectralAnalysis.Run(_model, Images).ToJson(), StringComparison.OrdinalIgnoreCase);
        var holes = spectrum with { PerImage = spectrum.PerImage with { Names = spectrum.PerImage.Names[..^1] } };
        Assert.Contains("not a value for each image", Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(holes.ToJson())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_has_a_row_for_each_image_and_block()
    {
        var spectrum = Analyse();
        var (table, file) = (spectrum.ToImageFrame(), Path.GetTempFileName());
        spectrum.SaveImageTable(file);
        Assert.Equal(table.ToCsv(), File.ReadAllText(file)); // row by row, the same bytes
        File.Delete(file);

        Assert.Equal(["image", "class", "block", "intensity"], table.Columns.Select(column => column.Name));
        Assert.Equal(11 * spectrum.Blocks.Length, table.Rows.Count);
        Assert.Equal(spectrum.PerImage!.Intensities[1][3], table["intensity"][(3 * spectrum.Blocks.Length) + 1]);
        Assert.Contains("--per-image", Assert.Throws<SpectralKDException>(() => SpectralAnalysis.Run(_model, Images).ToImageFrame()).Message, StringComparison.Ordinal);
    }

    private ModelSpectrum Analyse(string? shard = null, SpectralDomain domain = SpectralDomain.Spatial)
        => SpectralAnalysis.Run(_model, Images, new() { PerImage = true, Domain = domain, BatchSize = 4, Shard = shard is null ? null : DataShard.Parse(shard) });
}
