using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace SpectralKD.Models;

/// <summary>What kind of place a model's weights came from.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<WeightsKind>))]
public enum WeightsKind
{
    /// <summary>Nobody said: a model built by hand whose weights were filled by the caller.</summary>
    Unknown,

    /// <summary>timm's initial values from a seed: the model is untrained.</summary>
    Seeded,

    /// <summary>Small weights inside the package.</summary>
    Embedded,

    /// <summary>A repository of the Hugging Face hub.</summary>
    Hub,

    /// <summary>A file of the user's.</summary>
    File,

    /// <summary>Trained in this process.</summary>
    Trained,
}

/// <summary>
/// Where a model's weights came from, and what had to be done to make them fit: said on the model's card, in its spectra, in charts and run folders.
/// </summary>
/// <example><code>
/// using var model = ModelLoader.Load("deit_tiny_patch16_224", new ModelLoadOptions { Weights = "seeded:3" });
/// Console.WriteLine(model.Origin.Words);   // UNTRAINED: initial weights, seed 3
/// </code></example>
public sealed record ModelOrigin
{
    /// <summary>The kind of place.</summary>
    public required WeightsKind Kind { get; init; }

    /// <summary>The place: <c>seed 3</c>, a file's full path (and <c>#plain</c>, where a part of it was asked for), <c>timm/deit_tiny_patch16_224.fb_in1k</c>, an embedded name, a run's folder.</summary>
    public required string Name { get; init; }

    /// <summary>The hub's commit, where the weights came from there.</summary>
    public string? Revision { get; init; }

    /// <summary>SHA-256 of the weights' file as lower-case hex; null where there is no file.</summary>
    public string? Sha256 { get; init; }

    /// <summary>What was dropped, replaced or chosen in loading, one line each: a fresh head, averaged weights, resized position tables, a NaN.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];

    /// <summary>True where the weights brought no head that fits the classes: the head is random, so the features are the weights' and the logits mean nothing.</summary>
    public bool FreshHead { get; init; }

    /// <summary>
    /// What loads the same weights again, as <c>--weights</c> takes it: <c>pretrained</c> for weights in the package, <c>seeded:3</c>, a file's full path,
    /// <c>hf-hub:ORG/NAME@REVISION</c>. Null where nothing does: weights that were trained or filled in the session.
    /// </summary>
    [JsonIgnore]
    public string? Source { get; init; }

    /// <summary>True for a model with initial weights that nothing was learnt in.</summary>
    public bool IsUntrained => Kind == WeightsKind.Seeded;

    /// <summary>One line without the notes.</summary>
    public string Words => Kind switch
    {
        WeightsKind.Seeded => $"UNTRAINED: initial weights, {Name}",
        WeightsKind.Embedded => $"weights {Name}, in the package",
        WeightsKind.Hub => Revision is null ? $"weights {Name} of the hub" : $"weights {Name} of the hub, revision {Revision}",
        WeightsKind.File => $"weights of {Name}" + (Sha256 is null ? "" : $" (SHA-256 {Sha256[..Math.Min(12, Sha256.Length)]}…)"),
        WeightsKind.Trained => $"trained here: {Name}",
        _ => "weights of unknown origin",
    };

    /// <summary>As <see cref="Words"/>, short enough for a chart or a table: a file without its folder, a revision's first digits.</summary>
    public string Brief => Kind switch
    {
        WeightsKind.File => (this with { Name = Name.Split('/', '\\')[^1] }).Words,
        WeightsKind.Hub => (this with { Revision = Revision is { Length: > 7 } ? Revision[..7] : Revision }).Words,
        _ => Words,
    };

    /// <summary><see cref="Words"/>, and a line for each of the notes.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Lines => [Words, .. Notes];
}
