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

    /// <summary>What may go on from a half typed list of losses: names after a comma, arguments after a colon, choices after an equals sign.</summary>
    internal static IEnumerable<(string Text, string Description)> Proposals(string typed)
    {
        var start = typed.LastIndexOf(',') + 1;
        var words = typed[start..].Split(':');
        var before = typed[..(typed.LastIndexOfAny([',', ':']) + 1)];
        if (words.Length == 1)
        {
            return All.Select(kind => (before + kind.Name, kind.Compares));
        }

        var arguments = Named(words[0])?.Arguments ?? [];
        var name = words[^1].Split('=')[0];
        return words[^1].Contains('=', StringComparison.Ordinal)
            ? arguments.Where(argument => argument.Name == name).SelectMany(argument => argument.Choices.Select(choice => ($"{before}{name}={choice}", argument.Description)))
            : arguments.Select(argument => ($"{before}{argument.Name}=", argument.Description)).Append(($"{before}weight=", "factor of the term"));
    }

    internal static LossKind? Named(string name) => All.FirstOrDefault(kind => kind.Name == name);

    internal static string Unknown(string name)
    {
        var names = All.Select(kind => kind.Name).ToList();
        return $"there is no loss \"{name}\"{NearestName.Suggestion(name, names)} (losses: {string.Join(", ", names)})";
    }
}
