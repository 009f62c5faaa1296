using TorchSharp.Modules;
using TorchSharp.Utils;
using static SpectralKD.Models.LayerFigures;

namespace SpectralKD.Tests.Models;

/// <summary>A family is one file: what stands below the tests is all that a new one needs, and every part of the library takes it.</summary>
public sealed class ToyFamilyTests : IDisposable
{
    private static readonly MixerSpec Spec = new() { Name = "mixer_toy_patch8_32", ImageSize = 32, PatchSize = 8, EmbedDim = 6, Depth = 3, Classes = 5 };
    private readonly Weights.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_family_that_the_library_does_not_know_is_built_counted_and_filled_by_its_own_file()
    {
        using var model = ModelCatalog.Create(Spec, seed: 3);
        Assert.Equal(model.parameters().Sum(parameter => parameter.NumberOfElements), Spec.Count().Parameters);
        Assert.Equal(["blocks.0", "blocks.1", "blocks.2"], model.Blocks.Select(block => block.Name));
        Assert.Equal(WeightsKind.Seeded, model.Origin.Kind);
        Assert.Equal(1f, model.state_dict()["norm.weight"].mean().item<float>());
        Assert.InRange(model.state_dict()["blocks.1.tokens.weight"].std().item<float>(), 0.005f, 0.05f);
    }

    [Fact]
    public void Its_own_rules_refuse_sizes_in_the_words_of_the_others()
    {
        Assert.Equal("mixer_toy_patch8_32 has 0 blocks: give at least 1", Assert.Throws<SpectralKDException>(() => ModelCatalog.Create(Spec with { Depth = 0 })).Message);
        Assert.Contains("no multiple of 8", Assert.Throws<SpectralKDException>(() => (Spec with { ImageSize = 30 }).Count()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_spectra_are_analysed_and_its_weights_are_saved_and_loaded()
    {
        using var model = ModelCatalog.Create(Spec, seed: 3);
        var spectrum = SpectralAnalysis.Run(model, Textures.Create(4, 32));
        Assert.Equal([0, 1, 2], spectrum.Blocks.Select(block => block.Index));
        Assert.All(spectrum.Intensities, intensity => Assert.True(intensity > 0));

        var path = _folder.File("toy.safetensors");
        SafetensorsWriter.Write(path, model.state_dict());
        using var again = ModelCatalog.Create(Spec, seed: 4);
        using var weights = WeightsFile.Open(path);
        WeightLoader.Load(again, weights);
        Assert.True(again.state_dict()["head.weight"].allclose(model.state_dict()["head.weight"], 0, 0));
    }
}

/// <summary>Sizes of the toy: linear maps over the tokens in place of attention.</summary>
internal sealed record MixerSpec : ModelSpec
{
    public override string Family => "Mixer";

    public required int Depth { get; init; }

    private int Tokens => GridHeight * GridWidth;

    public override VisionModel Build() => new Mixer(this);

    protected override void CheckSizes() => RequireBlocks(Depth, EmbedDim, heads: 1);

    protected override ModelFigures CountParts() => ModelFigures.Sum(
        [.. Enumerable.Range(0, Depth).Select(i => new BlockFigures(
            new BlockInfo(i, $"blocks.{i}", EmbedDim, GridHeight, GridWidth), Norm(EmbedDim) + Linear(Tokens, Tokens), (long)Tokens * Tokens * EmbedDim))],
        PatchEmbedding(PatchSize, EmbedDim) + Norm(EmbedDim) + Linear(EmbedDim, Classes),
        PatchEmbeddingMultiplyAdds(Tokens, PatchSize, EmbedDim) + (EmbedDim * Classes));
}

/// <summary>The toy model.</summary>
internal sealed class Mixer : TimmModel
{
    private readonly MixerSpec _sizes;

    [ComponentName(Name = "patch_embed")]
    private readonly PatchEmbedding _patches;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<MixerBlock> _blocks;

    [ComponentName(Name = "norm")]
    private readonly SpectralKD.Models.LayerNorm _norm;

    [ComponentName(Name = "head")]
    private readonly SpectralKD.Models.Linear _head;

    public Mixer(MixerSpec spec)
        : base(spec)
    {
        _sizes = spec;
        _patches = new PatchEmbedding(spec.PatchSize, spec.EmbedDim);
        _blocks = nn.ModuleList(Enumerable.Range(0, spec.Depth).Select(_ => new MixerBlock(spec.GridHeight * spec.GridWidth, spec.EmbedDim)).ToArray());
        _norm = new SpectralKD.Models.LayerNorm(spec.EmbedDim, 1e-6);
        _head = new SpectralKD.Models.Linear(spec.EmbedDim, spec.Classes);
        RegisterComponents();
    }

    protected override Tensor FirstWeight => _patches.Weight;

    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        var tokens = _patches.forward(images); // (B, N, C)
        for (var i = 0; i < _blocks.Count; i++)
        {
            tokens = _blocks[i].forward(tokens);
            if (kept.Wants(i))
            {
                kept.Keep(i, TokenGrid.ToMap(tokens, prefix: 0, _sizes.GridHeight)); // (B, C, H, W)
            }
        }

        return _head.forward(_norm.forward(tokens).mean([1])); // (B, classes)
    }
}

/// <summary>x + tokens(norm(x)).</summary>
internal sealed class MixerBlock : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm")]
    private readonly SpectralKD.Models.LayerNorm _norm;

    [ComponentName(Name = "tokens")]
    private readonly SpectralKD.Models.Linear _tokens;

    public MixerBlock(int tokens, int dim)
        : base(nameof(MixerBlock))
    {
        _norm = new SpectralKD.Models.LayerNorm(dim, 1e-6);
        _tokens = new SpectralKD.Models.Linear(tokens, tokens);
        RegisterComponents();
    }

    public override Tensor forward(Tensor tokens) => tokens.Plus(_tokens.forward(_norm.forward(tokens).transpose(1, 2)).transpose(1, 2));
}
