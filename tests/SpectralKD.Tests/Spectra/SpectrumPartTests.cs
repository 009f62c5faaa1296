using System.Text.Json.Nodes;
using TorchSharp;

namespace SpectralKD.Tests.Spectra;

public sealed class SpectrumPartTests : IDisposable
{
    private readonly VisionModel _model = ModelCatalog.Create("deit_nano_patch4_32");
    private readonly IImageSource _images = Textures.Create(14, 32);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_spectrum_records_model_weights_images_and_preprocessing()
    {
        var part = Part(2, 3).Parts.Single();

        Assert.Equal(("deit_nano_patch4_32", "Float32", "cpu", "textures", 5), (part.Model, part.NumberType, part.Device, part.Source, part.Images));
        Assert.Equal(WeightHash.Of(_model), part.WeightsHash);
        Assert.Equal("UNTRAINED: initial weights, seed 0", part.Weights.Words);
        Assert.Equal(("2/3", 14), (part.Shard, part.ListCount));
        Assert.Equal([1, 4, 7, 10, 13], part.Places()!);
        Assert.Equal(32, part.Input!.Size);
        Assert.Contains("bicubic", part.Input.Words, StringComparison.Ordinal);
        Assert.Equal(5, part.Keys().Distinct().Count());
    }

    [Fact]
    public void The_record_comes_back_from_a_file()
    {
        var spectrum = Part(1, 2).Merge(Part(2, 2));
        var back = ModelSpectrum.FromJson(spectrum.ToJson());

        Assert.Equal(spectrum.ToJson(), back.ToJson());
        Assert.Equal(spectrum.Parts[1].Places(), back.Parts[1].Places());
        Assert.Equal("deit_nano_patch4_32 (UNTRAINED)", back.Title);
        Assert.Contains("\"format\":\"spectralkd.spectrum/2\"", spectrum.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_does_not_merge_twice()
    {
        var part = Part(1, 3);

        Refused("deit_nano_patch4_32 over textures, part 1/3 (5 images) and deit_nano_patch4_32 over textures, part 1/3 (5 images) share 5 images", part, Part(2, 3), part);
        Assert.Equal(15, ModelSpectrum.Merge([part, Part(2, 3), part], checkRecords: false).Images);
    }

    [Fact]
    public void Parts_of_different_splits_share_what_their_places_have_in_common()
        => Refused("(5 images) and deit_nano_patch4_32 over textures, part 2/2 (7 images) share 3 images", Part(2, 3), Part(2, 2));

    [Fact]
    public void A_merged_spectrum_does_not_take_one_of_its_parts_again()
    {
        var merged = Part(1, 3).Merge(Part(3, 3));

        Refused("part 3/3 (4 images)", merged, Part(3, 3));
        TestSpectra.AssertClose(SpectralAnalysis.Run(_model, _images, One), merged.Merge(Part(2, 3)));
        Assert.Empty(merged.Merge(Part(2, 3)).MissingParts());
    }

    [Fact]
    public void The_same_photo_in_two_lists_is_found_by_its_pixels()
        => Refused(
            "share 6 images",
            SpectralAnalysis.Run(_model, Textures.Create(6, 32), One),
            SpectralAnalysis.Run(_model, _images, One));

    [Fact]
    public void One_picture_at_two_places_of_a_list_is_no_overlap_of_its_parts()
    {
        var doubled = new Doubled(_images);
        var (one, two) = (Part(1, 2, doubled), Part(2, 2, doubled));

        Assert.Equal(28, one.Merge(two).Images);
    }

    [Fact]
    public void Sources_with_equal_names_and_other_pictures_merge()
        => Assert.Equal(28, SpectralAnalysis.Run(_model, _images, One).Merge(SpectralAnalysis.Run(_model, Textures.Create(14, 32, seed: 1), One)).Images);

    [Fact]
    public void Other_weights_number_types_and_preprocessing_do_not_merge_and_both_are_named()
    {
        var one = Part(1, 2);
        using var other = ModelCatalog.Create("deit_nano_patch4_32", seed: 7);
        Refused("different weights: UNTRAINED: initial weights, seed 0, values' SHA-256", one, SpectralAnalysis.Run(other, _images, Two));
        Refused("UNTRAINED: initial weights, seed 7", one, SpectralAnalysis.Run(other, _images, Two));

        using var cropped = ModelCatalog.Create(_model.Spec with { Preprocessing = _model.Spec.Preprocessing with { CropFraction = 0.5 } });
        Refused("different preprocessing: 32 pixels, shorter side ", one, SpectralAnalysis.Run(cropped, _images, Two));
        Refused("crop 0.5", one, SpectralAnalysis.Run(cropped, _images, Two));

        _model.to(float64);
        Refused("different number types: Float32 and Float64", one, Part(2, 2));
    }

    [Fact]
    public void A_stream_of_the_callers_own_batches_is_recorded_too()
    {
        using var images = zeros(2, 3, 32, 32);
        images[1].fill_(0.5f);
        var stream = SpectralAnalysis.Run(_model, [new AnalysisBatch(images)], "my stream");

        Refused("share 2 images", stream, stream);
        Assert.Equal(16, stream.Merge(SpectralAnalysis.Run(_model, _images, One) is var all ? all with { Parts = [all.Parts[0] with { Input = null }] } : stream).Images);
        Refused("different preprocessing: the caller's own", stream, SpectralAnalysis.Run(_model, _images, One));
    }

    [Fact]
    public void A_spectrum_without_a_record_merges_only_unchecked()
    {
        var bare = ModelSpectrum.FromJson((Part(2, 2) with { Parts = [] }).ToJson());

        Assert.Null(bare.Weights);
        Refused("deit_nano_patch4_32 over textures holds no record", Part(1, 2), bare);
        var mixed = Part(1, 2).Merge(bare, checkRecords: false);
        Refused("holds no record of which weights and images 7 of its 14 images were analysed with", mixed, Part(1, 2, Textures.Create(14, 32, seed: 1)));
    }

    [Fact]
    public void Problems_name_the_files_that_they_are_given()
    {
        var problems = ModelSpectrum.MergeProblems([Part(1, 2), Part(2, 2), Part(1, 2)], ["a/spectrum.json", "b", "c"]);

        Assert.Equal("a/spectrum.json (7 images) and c (7 images) share 7 images, which would count twice", Assert.Single(problems));
    }

    [Fact]
    public void Parts_that_are_missing_from_a_merged_spectrum_are_counted()
        => Assert.Equal(
            "5 of the 14 images of textures are in none of the parts (1/3, 3/3)", Assert.Single(Part(1, 3).Merge(Part(3, 3)).MissingParts()));

    [Fact]
    public void Images_that_cannot_be_read_are_no_part_of_the_record_and_not_missing()
    {
        var holed = new Holed(_images, 4);
        var (one, two) = (Part(1, 2, holed), Part(2, 2, holed));

        Assert.Equal([4], one.Parts[0].LeftOut);
        Assert.Equal([0, 2, 6, 8, 10, 12], one.Parts[0].Places()!);
        Assert.Empty(one.Merge(two).MissingParts());
        Refused("share 6 images", one, one);
    }

    [Theory]
    [InlineData("shard", "\"9/3\"")]
    [InlineData("shard", "\"x\"")]
    [InlineData("list_count", "2000000000")]
    [InlineData("images", "4")]
    [InlineData("contents", "\"AAAA\"")]
    [InlineData("left_out", "[1]")]
    [InlineData("weights", "7")]
    [InlineData("input", "[]")]
    public void A_record_that_contradicts_itself_is_refused_in_one_line(string key, string value)
    {
        var json = JsonNode.Parse(Part(2, 3).ToJson())!;
        json["spectrum"]!["parts"]![0]![key] = JsonNode.Parse(value);

        Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(json.ToJsonString()));
    }

    private static SpectralOptions One => new() { BatchSize = 1 };

    private static SpectralOptions Two => new() { BatchSize = 1, Shard = new DataShard(2, 2) };

    private static void Refused(string words, params ModelSpectrum[] spectra)
        => Assert.Contains(words, Assert.Throws<SpectralKDException>(() => ModelSpectrum.Merge(spectra)).Message, StringComparison.Ordinal);

    private ModelSpectrum Part(int number, int count, IImageSource? images = null)
        => SpectralAnalysis.Run(_model, images ?? _images, One with { Shard = new DataShard(number, count) });

    /// <summary>Every image of a source twice.</summary>
    private sealed class Doubled(IImageSource source) : IImageSource
    {
        public string Name => source.Name;

        public int Count => 2 * source.Count;

        public IReadOnlyList<string> Classes => source.Classes;

        public int Label(int index) => source.Label(index / 2);

        public string ItemName(int index) => $"{index}";

        public RgbImage Read(int index) => source.Read(index / 2);
    }

    /// <summary>A source with one image that cannot be read.</summary>
    private sealed class Holed(IImageSource source, int hole) : IImageSource
    {
        public string Name => source.Name;

        public int Count => source.Count;

        public IReadOnlyList<string> Classes => source.Classes;

        public int Label(int index) => source.Label(index);

        public string ItemName(int index) => source.ItemName(index);

        public RgbImage Read(int index) => index == hole ? throw new SpectralKDException("this image is a hole") : source.Read(index);
    }
}
