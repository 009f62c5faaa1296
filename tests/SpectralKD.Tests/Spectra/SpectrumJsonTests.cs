namespace SpectralKD.Tests.Spectra;

public class SpectrumJsonTests
{
    [Fact]
    public void A_spectrum_comes_back_bit_for_bit()
    {
        var json = Sample().ToJson();

        Assert.Equal(json, ModelSpectrum.FromJson(json).ToJson());
        Assert.Equal(Sample().Blocks[0].Intensity, ModelSpectrum.FromJson(json).Blocks[0].Intensity);
    }

    [Fact]
    public void A_file_comes_back_and_leaves_no_temporary_behind()
    {
        var folder = Directory.CreateTempSubdirectory();
        var path = Path.Combine(folder.FullName, "new", "spectrum.json");
        Sample().Save(path);

        Assert.Equal(Sample().ToJson(), ModelSpectrum.Load(path).ToJson());
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Other_readers_find_the_figures_beside_the_sums()
    {
        var json = Sample().ToJson();

        Assert.Contains("\"uniformity\":", json, StringComparison.Ordinal);
        Assert.Contains("\"format\":\"spectralkd.spectrum/1\"", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "not a spectrum")]
    [InlineData("[]", "its format is none")]
    [InlineData("{\"format\":\"spectralkd.spectrum/2\"}", "spectralkd.spectrum/2")]
    [InlineData("{\"format\":\"spectralkd.spectrum/1\"}", "not a spectrum")]
    public void What_is_no_spectrum_is_an_error_in_words(string json, string words)
        => Assert.Contains(words, Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(json)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"images\":2", "\"images\":2,\"pictures\":2", "pictures")]
    [InlineData("\"model\":\"model\",", "", "model")]
    [InlineData("\"channels\":6", "\"channels\":7", "7 numbers")]
    [InlineData("\"depth\":1", "\"depth\":0", "beyond")]
    [InlineData("\"domain\":\"both\"", "\"domain\":\"spatial\"", "domain")]
    [InlineData("\"amplitude\":[", "\"amplitude\":[1,", "20 numbers")]
    [InlineData("\"bits\":", "\"bits\":\"x\",\"b\":", "not a spectrum")]
    public void An_edited_file_is_refused(string old, string replacement, string words)
    {
        var json = Sample().ToJson();
        Assert.Contains(old, json, StringComparison.Ordinal);
        var index = json.IndexOf(old, StringComparison.Ordinal);
        var edited = json[..index] + replacement + json[(index + old.Length)..];

        Assert.Contains(words, Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(edited)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Spectra_of_other_models_or_domains_do_not_merge()
    {
        using var map = TestSpectra.Map(2);
        var spectrum = Sample();

        Assert.Contains("models", Assert.Throws<SpectralKDException>(() => spectrum.Merge(spectrum with { Model = "other" })).Message, StringComparison.Ordinal);
        Assert.Contains("domains", Assert.Throws<SpectralKDException>(() => spectrum.Merge(TestSpectra.Analyse(map, SpectralDomain.Spatial))).Message, StringComparison.Ordinal);
        Assert.Contains("figures", Assert.Throws<SpectralKDException>(() => spectrum.Merge(spectrum.WithoutActivationEntropy())).Message, StringComparison.Ordinal);
        Assert.Throws<SpectralKDException>(() => ModelSpectrum.Merge([]));
    }

    [Fact]
    public void A_block_that_was_not_analysed_is_named_with_those_that_were()
        => Assert.Contains("block 5", Assert.Throws<SpectralKDException>(() => Sample().Block(5)).Message, StringComparison.Ordinal);

    private static ModelSpectrum Sample()
    {
        using var map = TestSpectra.Map(2);
        return TestSpectra.Analyse(map, entropyRange: new ActivationRange(-2, 3));
    }
}
