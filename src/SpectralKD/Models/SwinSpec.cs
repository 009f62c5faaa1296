namespace SpectralKD.Models;

/// <summary>Sizes of a Swin transformer (arXiv 2103.14030): stages of windowed attention, each at half the resolution of the last.</summary>
public sealed record SwinSpec : ModelSpec
{
    /// <inheritdoc/>
    public override string Family => "Swin";

    /// <summary>Side of a square patch in pixels; divides <see cref="ModelSpec.ImageSize"/>.</summary>
    public int PatchSize { get; init; } = 4;

    /// <summary>Side of an attention window in patches; clamped to the stage's resolution.</summary>
    public int WindowSize { get; init; } = 7;

    /// <summary>Channels of the first stage; each later stage doubles them.</summary>
    public required int EmbedDim { get; init; }

    /// <summary>Number of blocks in each stage.</summary>
    public required IReadOnlyList<int> Depths { get; init; }

    /// <summary>Attention heads in each stage.</summary>
    public required IReadOnlyList<int> Heads { get; init; }

    /// <summary>Hidden channels of the MLP as a multiple of the stage's channels.</summary>
    public double MlpRatio { get; init; } = 4;

    /// <summary>The stages in order, with the sizes that follow from the others.</summary>
    public IReadOnlyList<SwinStageSpec> Stages => [.. Enumerable.Range(0, Depths.Count).Select(Stage)];

    private SwinStageSpec Stage(int index)
    {
        var (nominal, actual) = (ImageSize / PatchSize, ImageSize / PatchSize);
        for (var i = 0; i < index; i++)
        {
            // timm halves the nominal resolution downwards, but merging pads an odd side and so halves it upwards.
            (nominal, actual) = (nominal / 2, (actual + 1) / 2);
        }

        return new SwinStageSpec
        {
            Channels = EmbedDim << index,
            Depth = Depths[index],
            Heads = Heads[index],
            NominalSize = nominal,
            Size = actual,
            Window = Math.Min(nominal, WindowSize),
            Shift = nominal <= WindowSize ? 0 : WindowSize / 2,
        };
    }
}

/// <summary>The sizes of one Swin stage.</summary>
public sealed record SwinStageSpec
{
    /// <summary>Channels C of the stage's tokens.</summary>
    public required int Channels { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int Depth { get; init; }

    /// <summary>Attention heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Side of the resolution that timm plans with: windows, shifts and masks follow from it.</summary>
    public required int NominalSize { get; init; }

    /// <summary>Side of the feature map that the stage really has.</summary>
    public required int Size { get; init; }

    /// <summary>Side of an attention window in patches, clamped to the nominal resolution.</summary>
    public required int Window { get; init; }

    /// <summary>Shift of every second block in patches; 0 where one window covers the nominal resolution.</summary>
    public required int Shift { get; init; }

    /// <summary>Side of the feature map after padding to whole windows.</summary>
    public int PaddedSize => (Size + Window - 1) / Window * Window;
}
