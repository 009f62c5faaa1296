namespace SpectralKD.Distillation;

/// <summary>All methods: the one table behind recipes, <c>--losses</c>, <c>spectralkd methods</c>, <c>#!spectral-methods</c>, completion and docs/methods.md.</summary>
/// <example><code>
/// foreach (var method in LossCatalog.All)
/// {
///     Console.WriteLine($"{method.Name}: {method.Compares} (weight {method.Weight})");
/// }
/// </code></example>
public static class LossCatalog
{
    /// <summary>The methods: labels, logits, then feature maps.</summary>
    public static IReadOnlyList<LossKind> All { get; } =
    [
        LabelsTerm.Kind,
        SoftTerm.Kind,
        HardTerm.Kind,
        DistTerm.Kind,
        DecoupledTerm.Kind,
        NormalisedTerm.Kind,
        AlignmentTerm.Kind,
        MeanSquareTerm.Kind,
        HaarTerm.Kind,
        AttentionTerm.Kind,
        ManifoldTerm.Kind,
        KernelAlignmentTerm.Kind,
        ProjectorTerm.Kind,
        ViTKdTerm.Kind,
        VkdTerm.Kind,
    ];

    /// <summary>A method by its name.</summary>
    /// <exception cref="SpectralKDException">There is none of that name; the message lists those there are.</exception>
    public static LossKind Find(string name) => Named(name) ?? throw new SpectralKDException(Unknown(name));

    internal static LossKind? Named(string name) => All.FirstOrDefault(kind => kind.Name == name);

    internal static string Unknown(string name)
    {
        var names = All.Select(kind => kind.Name).ToList();
        return $"there is no loss \"{name}\"{NearestName.Suggestion(name, names)} (losses: {string.Join(", ", names)})";
    }
}
