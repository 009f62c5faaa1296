using System.Globalization;

namespace SpectralKD.Distillation;

/// <summary>What a student learns from, named as the reference's <c>--distillation-type</c>. Other methods: <see cref="LossCatalog"/>.</summary>
public enum DistillationMethod
{
    /// <summary>Labels alone; no teacher.</summary>
    None,

    /// <summary>Labels and aligned feature maps; the teacher's logits are not used.</summary>
    Fft,

    /// <summary>Labels, the teacher's softened logits, and aligned feature maps where layers are given.</summary>
    Soft,

    /// <summary>Labels, the teacher's decisions, and aligned feature maps where layers are given.</summary>
    Hard,
}

/// <summary>
/// How the terms of the reference's loss are weighed: <c>(1 - Alpha) labels + Alpha KD + Beta * WFft * alignment</c>. Defaults are the recipes' of the paper.
/// </summary>
public sealed record LossWeights
{
    /// <summary>What the student learns from.</summary>
    public DistillationMethod Method { get; init; } = DistillationMethod.Soft;

    /// <summary>How the maps' distance is computed.</summary>
    public AlignmentForm Form { get; init; } = AlignmentForm.ClosedForm;

    /// <summary>Weight of KD against labels, in [0, 1] (<c>--distillation-alpha</c>). The method none takes no notice of it.</summary>
    public double Alpha { get; init; } = 0.9;

    /// <summary>Weight of alignment, 0 or more (<c>--distillation-beta</c>), times <see cref="WFft"/>.</summary>
    public double Beta { get; init; } = 1;

    /// <summary>Weight of alignment, 0 or more (<c>--w-fft</c>): 0.2 for DeiT students, 0.05 for Swin.</summary>
    public double WFft { get; init; } = 0.2;

    /// <summary>Temperature of soft distillation, above 0 (<c>--distillation-tau</c>).</summary>
    public double Tau { get; init; } = 1;

    /// <summary>Label smoothing of the label term, in [0, 1) (<c>--smoothing</c>).</summary>
    public double Smoothing { get; init; } = 0.1;

    /// <summary>The same as a list of terms, complete.</summary>
    /// <param name="aligns">Whether there are maps to align.</param>
    internal IReadOnlyList<LossTerm> AsTerms(bool aligns)
    {
        var labels = Term(LabelsTerm.Kind, Method == DistillationMethod.None ? 1 : 1 - Alpha, ("smoothing", Smoothing));
        var form = Form switch { AlignmentForm.ClosedForm => "closed-form", AlignmentForm.Fft => "fft", _ => "spatial" };
        var alignment = Term(AlignmentTerm.Kind, Beta * WFft) is var whole ? whole with { Arguments = new Dictionary<string, string>(whole.Arguments) { ["form"] = form } } : null;
        IEnumerable<LossTerm> terms = Method == DistillationMethod.None ? [labels] : aligns ? [labels, alignment] : [labels];
        return Method switch
        {
            DistillationMethod.Soft => [.. terms, Term(SoftTerm.Kind, Alpha, ("tau", Tau))],
            DistillationMethod.Hard => [.. terms, Term(HardTerm.Kind, Alpha)],
            _ => [.. terms],
        };
    }

    private static LossTerm Term(LossKind kind, double weight, params (string Name, double Value)[] arguments) => new()
    {
        Name = kind.Name,
        Weight = weight,
        Arguments = kind.Arguments.ToDictionary(
            argument => argument.Name,
            argument => arguments.FirstOrDefault(given => given.Name == argument.Name) is { Name: not null } given ? given.Value.ToString("R", CultureInfo.InvariantCulture) : argument.Default),
    };
}

/// <summary>The weighed terms of a loss as numbers.</summary>
/// <param name="Labels">Labels (<c>loss_base</c>).</param>
/// <param name="Alignment">Alignment (<c>loss_fft</c>); null where no maps are aligned.</param>
/// <param name="Logits">KD by softened logits or decisions (<c>loss_dist</c>); null where there is none.</param>
public readonly record struct LossValues(double Labels, double? Alignment, double? Logits)
{
    private static readonly IReadOnlyDictionary<string, double> NoOthers = new Dictionary<string, double>();

    /// <summary>The other terms by their names in the log (<see cref="LossCatalog"/>); empty for most.</summary>
    public IReadOnlyDictionary<string, double> Others { get => field ?? NoOthers; init; }

    /// <summary>The sum of the terms.</summary>
    public double Total => Labels + (Alignment ?? 0) + (Logits ?? 0) + Others.Values.Sum();

    /// <summary>True if every term is a finite number.</summary>
    public bool IsFinite => double.IsFinite(Total);

    /// <summary>The terms in words: <c>labels 0.29, alignment 0.36, KD 0.71</c>.</summary>
    public override string ToString() => string.Join(", ", new (string Name, double? Value)[] { ("labels", Labels), ("alignment", Alignment), ("KD", Logits) }
        .Where(term => term.Value is not null).Select(term => (term.Name, Value: term.Value!.Value)).Concat(Others.Select(term => (Name: term.Key, term.Value)))
        .Select(term => term.Name + " " + term.Value.ToString("0.####", CultureInfo.InvariantCulture)));

    /// <summary>With one more term, in the place that its name has.</summary>
    internal LossValues With(string name, double value) => name switch
    {
        "labels" => this with { Labels = value },
        "alignment" => this with { Alignment = value },
        "kd" or "hard" when Logits is null => this with { Logits = value },
        _ => this with { Others = new Dictionary<string, double>(Others) { [name] = value } },
    };

    /// <summary>Each term times a number.</summary>
    internal LossValues Scaled(double factor) => new(Labels * factor, Alignment * factor, Logits * factor) { Others = Each(term => term.Value * factor) };

    /// <summary>Term by term; both have the same ones.</summary>
    internal LossValues Plus(LossValues other) =>
        new(Labels + other.Labels, Alignment + other.Alignment, Logits + other.Logits) { Others = Each(term => term.Value + other.Others[term.Key]) };

    private IReadOnlyDictionary<string, double> Each(Func<KeyValuePair<string, double>, double> change) =>
        Others.Count == 0 ? NoOthers : Others.ToDictionary(term => term.Key, change);
}
