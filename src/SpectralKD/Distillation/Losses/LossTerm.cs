using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Distillation;

/// <summary>
/// A term of a recipe's loss: a method's name, and what differs from its official defaults. In a recipe <c>{"name": "dkd", "weight": 1, "alpha": 2}</c>, in a command
/// <c>dkd:weight=1:alpha=2</c>.
/// </summary>
/// <example><code>
/// var recipe = RecipeLibrary.Get("nano-deit-distilled") with { Loss = new(), Losses = LossTerm.Parse("dist,dkd:alpha=2"), Epochs = 1 };
/// Console.WriteLine(string.Join(" + ", recipe.Losses));
/// </code></example>
[JsonConverter(typeof(LossTermJson))]
public sealed record LossTerm
{
    private const string WeightWord = "weight";
    private const string StudentWord = "studentLayers";
    private const string TeacherWord = "teacherLayers";

    /// <summary>A name of <see cref="LossCatalog"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Factor of the term, 0 or more; null for the official one.</summary>
    public double? Weight { get; init; }

    /// <summary>0-based student blocks to compare, pair by pair; null for the method's own, or the recipe's.</summary>
    public IReadOnlyList<int>? StudentLayers { get; init; }

    /// <summary>0-based teacher blocks, pair by pair.</summary>
    public IReadOnlyList<int>? TeacherLayers { get; init; }

    /// <summary>The method's arguments as they would be typed; those that are left out have their official defaults.</summary>
    public IReadOnlyDictionary<string, string> Arguments { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads a list as it is typed in a command: <c>dist,dkd:alpha=2:beta=8,alignment:weight=0.1:studentLayers=0+11:teacherLayers=0+23</c>.</summary>
    /// <exception cref="SpectralKDException">A name, an argument or a value is not known; the message lists the known ones.</exception>
    public static IReadOnlyList<LossTerm> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        IReadOnlyList<LossTerm> terms = [.. text.Split(',', StringSplitOptions.TrimEntries).Select(One)];
        return Problem(terms) is { } problem ? throw new SpectralKDException(problem) : terms;
    }

    /// <summary>The term as it is typed in a command.</summary>
    public override string ToString() => string.Join(':', new[] { Name }.Concat(Words().Select(word => $"{word.Key}={word.Text}")));

    /// <summary>What is wrong with a list of terms; null for nothing.</summary>
    internal static string? Problem(IReadOnlyList<LossTerm> terms) =>
        terms.Select(term => term.Problem()).FirstOrDefault(problem => problem is not null)
        ?? (terms.Count(term => term.Name == LabelsTerm.Kind.Name) > 1 ? "the losses name labels twice; give them once, with their weight" : null);

    /// <summary>The terms with all defaults written out, the labels first.</summary>
    /// <param name="terms">Checked terms.</param>
    /// <param name="familyWeight">The paper's weight of alignment for the student's family.</param>
    internal static IReadOnlyList<LossTerm> Complete(IReadOnlyList<LossTerm> terms, double familyWeight)
    {
        var labels = terms.FirstOrDefault(term => term.Name == LabelsTerm.Kind.Name) ?? new LossTerm { Name = LabelsTerm.Kind.Name };
        var others = terms.Where(term => term.Name != LabelsTerm.Kind.Name).ToList();
        var beside = others.Select(term => LossCatalog.Find(term.Name).LabelWeight).DefaultIfEmpty(1).Min();
        return [(labels with { Weight = labels.Weight ?? beside }).Completed(familyWeight), .. others.Select(term => term.Completed(familyWeight))];
    }

    internal TermSettings Settings() => new(Arguments);

    private LossTerm Completed(double familyWeight)
    {
        var kind = LossCatalog.Find(Name);
        var other = Arguments.GetValueOrDefault(LossKind.Standardise) == "true" ? kind.Standardised : new Dictionary<string, string>();
        return this with
        {
            Weight = Weight ?? (other.TryGetValue(WeightWord, out var standardised) ? double.Parse(standardised, CultureInfo.InvariantCulture)
                : kind.WeighsByFamily ? familyWeight : kind.Weight),
            Arguments = kind.Arguments.ToDictionary(
                argument => argument.Name, argument => Arguments.GetValueOrDefault(argument.Name) ?? other.GetValueOrDefault(argument.Name) ?? argument.Default),
        };
    }

    private string? Problem()
    {
        if (LossCatalog.Named(Name) is not { } kind)
        {
            return LossCatalog.Unknown(Name);
        }

        foreach (var (name, value) in Arguments)
        {
            if (kind.Arguments.FirstOrDefault(argument => argument.Name == name) is not { } argument)
            {
                return UnknownArgument(kind, name);
            }

            if (argument.Problem(value) is { } wrong)
            {
                return $"the loss {Name}: {wrong}";
            }
        }

        return (Weight is { } weight && weight is not (>= 0 and <= 1e6) ? FormattableString.Invariant($"the loss {Name}: weight must be in [0, 1000000], but is {weight}") : null)
            ?? LayersProblem(kind)
            ?? (kind.Check(Completed(kind.Weight).Settings()) is { } unfit ? $"the loss {Name}: {unfit}" : null);
    }

    private string? LayersProblem(LossKind kind)
    {
        if (StudentLayers is null && TeacherLayers is null)
        {
            return null;
        }

        return kind.Rule.Selection is null ? $"the loss {Name} compares no feature maps; leave {StudentWord} and {TeacherWord} out"
            : StudentLayers is null || TeacherLayers is null || StudentLayers.Count != TeacherLayers.Count || StudentLayers.Count == 0
                ? $"the loss {Name}: {StudentWord} has {StudentLayers?.Count ?? 0} and {TeacherWord} {TeacherLayers?.Count ?? 0} entries; give pairs, as many of one as of the other"
            : null;
    }

    private static string UnknownArgument(LossKind kind, string name)
    {
        var known = kind.Arguments.Select(argument => argument.Name).Append(WeightWord).Concat(kind.Rule.Selection is null ? [] : [StudentWord, TeacherWord]).ToList();
        return $"the loss {kind.Name} has no argument \"{name}\"{NearestName.Suggestion(name, known)} (it takes {string.Join(", ", known)})";
    }

    private static LossTerm One(string text)
    {
        var words = text.Split(':', StringSplitOptions.TrimEntries);
        var given = new List<(string, string)>();
        foreach (var word in words.Skip(1))
        {
            var at = word.IndexOf('=', StringComparison.Ordinal);
            given.Add(at < 0 ? (word, "true") : (word[..at].Trim(), word[(at + 1)..].Trim()));
        }

        return Of(words[0], given);
    }

    /// <summary>A term from a name and its words, each a number, a word, or a list of numbers parted by <c>+</c>.</summary>
    internal static LossTerm Of(string name, IReadOnlyList<(string Key, string Text)> words)
    {
        var term = new LossTerm { Name = name };
        var arguments = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, text) in words)
        {
            if (words.Count(word => word.Key == key) > 1)
            {
                throw new SpectralKDException($"the loss {name} has {key} twice");
            }

            switch (key)
            {
                case WeightWord:
                    term = term with { Weight = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) ? weight : throw Wrong("a number") };
                    break;
                case StudentWord:
                    term = term with { StudentLayers = Blocks() };
                    break;
                case TeacherWord:
                    term = term with { TeacherLayers = Blocks() };
                    break;
                default:
                    arguments[key] = text;
                    break;
            }

            IReadOnlyList<int> Blocks() => [.. text.Split('+').Select(part => int.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var block)
                ? block : throw Wrong("block numbers parted by +, such as 0+11"))];
            SpectralKDException Wrong(string wanted) => new($"the loss {name}: {key} must be {wanted}, but is \"{text}\"");
        }

        return term with { Arguments = arguments };
    }

    /// <summary>All that is given, in order.</summary>
    internal IEnumerable<(string Key, string Text)> Words()
    {
        var words = Weight is { } weight ? [(WeightWord, weight.ToString(CultureInfo.InvariantCulture))] : Enumerable.Empty<(string, string)>();
        words = words.Concat(Arguments.Select(argument => (argument.Key, argument.Value)));
        words = StudentLayers is null ? words : words.Append((StudentWord, string.Join('+', StudentLayers)));
        return TeacherLayers is null ? words : words.Append((TeacherWord, string.Join('+', TeacherLayers)));
    }
}

/// <summary>Terms in recipes: an object of the name and its arguments, or the name alone.</summary>
internal sealed class LossTermJson : JsonConverter<LossTerm>
{
    public override LossTerm Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var term = document.RootElement;
        return term.ValueKind == JsonValueKind.String ? new LossTerm { Name = term.GetString()! }
            : term.ValueKind == JsonValueKind.Object && term.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
                ? LossTerm.Of(name.GetString()!, [.. term.EnumerateObject().Where(word => word.Name != "name" && word.Value.ValueKind != JsonValueKind.Null).Select(word => (word.Name, Text(word.Value)))])
            : throw new JsonException();
    }

    public override void Write(Utf8JsonWriter writer, LossTerm value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString("name", value.Name);
        foreach (var (key, text) in value.Words())
        {
            writer.WritePropertyName(key);
            WriteText(writer, key, text);
        }

        writer.WriteEndObject();
    }

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number) =>
            string.Join('+', value.EnumerateArray().Select(item => item.GetRawText())),
        _ => throw new JsonException(),
    };

    private static void WriteText(Utf8JsonWriter writer, string key, string text)
    {
        if (key.EndsWith("Layers", StringComparison.Ordinal))
        {
            writer.WriteStartArray();
            Array.ForEach(text.Split('+'), block => writer.WriteNumberValue(int.Parse(block, CultureInfo.InvariantCulture)));
            writer.WriteEndArray();
        }
        else if (text is "true" or "false")
        {
            writer.WriteBooleanValue(text == "true");
        }
        else if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
        {
            writer.WriteNumberValue(number);
        }
        else
        {
            writer.WriteStringValue(text);
        }
    }
}
