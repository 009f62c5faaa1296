using System.Globalization;

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

/// <summary>A method to learn from a teacher, as the table of methods shows it: what it compares, what it takes, where it comes from.</summary>
public sealed record LossKind
{
    internal const string Standardise = "standardise";

    /// <summary>Its word in recipes and commands, for example <c>dist</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it compares, one line.</summary>
    public required string Compares { get; init; }

    /// <summary>Paper and code whose definition and defaults it follows.</summary>
    public required string Source { get; init; }

    /// <summary>What it learns beside the student, in words; <c>none</c> for most.</summary>
    public string Parameters { get; init; } = "none";

    /// <summary>Its official weight.</summary>
    public required double Weight { get; init; }

    /// <summary>The official weight of the labels beside it.</summary>
    public double LabelWeight { get; init; } = 1;

    /// <summary>Its arguments with their official defaults.</summary>
    public IReadOnlyList<LossArgument> Arguments { get; init; } = [];

    /// <summary>Which layer pairs it takes where none are named, in words; empty where it compares no maps.</summary>
    public string Layers => Rule.Words;

    internal bool Teacher { get; init; } = true;

    internal bool TeacherLogits { get; init; }

    internal LayerRule Rule { get; init; } = LayerRule.None;

    /// <summary>True where the paper weighs it by the student's family (<see cref="ModelSpec.AlignmentWeight"/>).</summary>
    internal bool WeighsByFamily { get; init; }

    /// <summary>Defaults where <c>standardise</c> is on, the weight among them.</summary>
    internal IReadOnlyDictionary<string, string> Standardised { get; init; } = new Dictionary<string, string>();

    internal Func<TermSettings, TermSizes, DistillationTerm> Make { get; init; } = (_, _) => throw new NotSupportedException();

    /// <summary>What keeps two blocks from being compared by it; null if nothing does.</summary>
    internal Func<LayerPair, string?> Fits { get; init; } = _ => null;

    /// <summary>What is wrong with a combination of arguments; null for nothing.</summary>
    internal Func<TermSettings, string?> Check { get; init; } = _ => null;

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Compares}";
}

/// <summary>An argument of a method.</summary>
public sealed record LossArgument
{
    private LossArgument(string name, string standard, string description) => (Name, Default, Description) = (name, standard, description);

    /// <summary>Its word.</summary>
    public string Name { get; }

    /// <summary>The official default, as it would be typed.</summary>
    public string Default { get; }

    /// <summary>What it means, one line.</summary>
    public string Description { get; }

    /// <summary>The words that it takes; empty for a number.</summary>
    public IReadOnlyList<string> Choices { get; private init; } = [];

    internal double Low { get; private init; }

    internal double High { get; private init; }

    internal bool OpenLow { get; private init; }

    internal bool OpenHigh { get; private init; }

    internal bool Whole { get; private init; }

    internal bool IsSwitch { get; private init; }

    internal static LossArgument Number(
        string name, double standard, string description, double low = 0, double high = 1e6, bool openLow = false, bool openHigh = false, bool whole = false) =>
        new(name, standard.ToString("0.################", CultureInfo.InvariantCulture), description) { Low = low, High = high, OpenLow = openLow, OpenHigh = openHigh, Whole = whole };

    internal static LossArgument Temperature(double standard, string description = "temperature") => Number("tau", standard, description, 0, 1e3, openLow: true);

    internal static LossArgument Switch(string name, bool standard, string description) =>
        new(name, standard ? "true" : "false", description) { Choices = ["true", "false"], IsSwitch = true };

    internal static LossArgument Choice(string name, string description, params string[] words) => new(name, words[0], description) { Choices = words };

    /// <summary>What is wrong with a value; null for nothing.</summary>
    internal string? Problem(string value)
    {
        if (Choices.Count > 0)
        {
            return Choices.Contains(value) ? null : $"{Name} must be one of {string.Join(", ", Choices)}, but is \"{value}\"{NearestName.Suggestion(value, Choices)}";
        }

        var number = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : double.NaN;
        var fits = (OpenLow ? number > Low : number >= Low) && (OpenHigh ? number < High : number <= High) && (!Whole || double.IsInteger(number));
        return fits ? null : string.Create(
            CultureInfo.InvariantCulture, $"{Name} must be a {(Whole ? "whole " : "")}number in {(OpenLow ? '(' : '[')}{Low}, {High}{(OpenHigh ? ')' : ']')}, but is {value}");
    }
}

/// <summary>The arguments of one term, complete and checked.</summary>
internal sealed class TermSettings(IReadOnlyDictionary<string, string> values)
{
    public double Number(string name) => double.Parse(values[name], CultureInfo.InvariantCulture);

    public bool Switch(string name) => values[name] == "true";

    public string Choice(string name) => values[name];
}

/// <summary>Which layer pairs a method takes where none are named for it.</summary>
/// <param name="Words">In words; empty for none.</param>
/// <param name="Selection">The pairs; null for none.</param>
/// <param name="OfRecipe">True where the recipe's own layers come first.</param>
/// <param name="Normed">Whose last map is taken after the final norm.</param>
internal sealed record LayerRule(string Words, LayerSelection? Selection, bool OfRecipe, NormedMaps Normed = NormedMaps.None)
{
    /// <summary>No maps.</summary>
    public static LayerRule None { get; } = new("", null, false);

    /// <summary>The recipe's layers, or the paper's end points.</summary>
    public static LayerRule EndPoints { get; } = new("the recipe's, else the first 2 and last 6", new LayerSelection(), true);
}

/// <summary>Whose last map is taken after the model's final norm.</summary>
internal enum NormedMaps
{
    None,
    Student,
    Both,
}
