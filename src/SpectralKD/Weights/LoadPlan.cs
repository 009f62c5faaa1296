using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>
/// One tensor to be loaded: from which key of the file, into which tensor of the model. <paramref name="Fitted"/> is the tensor
/// that was interpolated to the model's shape, or null where the file's bytes go in as they are.
/// </summary>
internal sealed record LoadStep(string Key, string FileKey, Tensor Target, Tensor? Fitted = null);

/// <summary>Compares a model's state with a file before anything is loaded, and collects every difference.</summary>
internal sealed class LoadPlan
{
    private readonly List<string> missing = [];
    private readonly List<string> unexpected = [];
    private readonly List<string> mismatched = [];
    private readonly Dictionary<string, string> fileKeys = new(StringComparer.Ordinal);
    private readonly ITensorSource source;
    private readonly CheckpointRules rules;
    private readonly bool freshHeadAllowed;

    private LoadPlan(ITensorSource source, CheckpointRules rules, LoadOptions options)
    {
        this.source = source;
        this.rules = rules;
        freshHeadAllowed = options.AllowHeadMismatch;
    }

    public List<LoadStep> Steps { get; } = [];

    public List<string> FreshHead { get; } = [];

    public List<string> Ignored { get; } = [];

    /// <summary>Plans the load of all tensors of <paramref name="state"/>.</summary>
    /// <exception cref="SpectralKDException">Names, shapes or types differ; the message lists all differences.</exception>
    public static LoadPlan Make(
        string modelName, IReadOnlyDictionary<string, Tensor> state, ITensorSource source, CheckpointRules rules, LoadOptions options)
    {
        var plan = new LoadPlan(source, rules, options);
        plan.MatchKeys([.. state.Keys]);
        foreach (var (key, target) in state)
        {
            plan.Add(key, target);
        }

        plan.ThrowIfDifferent(modelName);
        return plan;
    }

    private void MatchKeys(HashSet<string> modelKeys)
    {
        var plainKeys = source.Tensors.Keys.Select(CheckpointRules.WithoutWrapper).ToHashSet(StringComparer.Ordinal);
        var dialect = new CheckpointKeys(modelKeys, plainKeys);
        foreach (var fileKey in source.Tensors.Keys)
        {
            var key = dialect.Translate(CheckpointRules.WithoutWrapper(fileKey));
            if (key is null)
            {
                Ignored.Add(fileKey);
            }
            else if (!modelKeys.Contains(key))
            {
                unexpected.Add(fileKey);
            }
            else if (!fileKeys.TryAdd(key, fileKey))
            {
                mismatched.Add($"{key} (twice in the file: '{fileKeys[key]}' and '{fileKey}')");
            }
        }
    }

    private void Add(string key, Tensor target)
    {
        if (!fileKeys.TryGetValue(key, out var fileKey))
        {
            if (freshHeadAllowed && CheckpointRules.IsHead(key))
            {
                FreshHead.Add(key);
            }
            else
            {
                missing.Add(source.PassedOver.TryGetValue(key, out var what) ? $"{key} (there it is {what})" : key);
            }

            return;
        }

        var stored = source.Tensors[fileKey];
        if (!TypeFits(stored.Type, target))
        {
            mismatched.Add($"{key} (file {stored.Type.FormatName()}, model {target.dtype})");
        }
        else if (stored.Shape.SequenceEqual(target.shape))
        {
            Steps.Add(new LoadStep(key, fileKey, target));
        }
        else if (freshHeadAllowed && CheckpointRules.DifferInClassesOnly(key, stored.Shape, target.shape))
        {
            FreshHead.Add(key);
        }
        else
        {
            AddFitted(key, stored, target);
        }
    }

    private void AddFitted(string key, TensorInfo stored, Tensor target)
    {
        var fitted = rules.Fit(key, source.Read(stored.Key));
        if (fitted.shape.SequenceEqual(target.shape))
        {
            Steps.Add(new LoadStep(key, stored.Key, target, fitted));
        }
        else
        {
            mismatched.Add($"{key} (file {stored.ShapeText}, model {TensorInfo.Text(target.shape)})");
        }
    }

    private static bool TypeFits(ElementType stored, Tensor target) =>
        target.is_floating_point() ? stored.IsFloat() : stored.ToScalarType() == target.dtype;

    private void ThrowIfDifferent(string modelName)
    {
        if (missing.Count + unexpected.Count + mismatched.Count == 0)
        {
            return;
        }

        var parts = new[]
        {
            List(missing, "missing in the file"),
            List(unexpected, "unknown to the model"),
            List(mismatched, "different"),
        };
        throw new SpectralKDException($"the weights '{source.Name}' do not fit the model {modelName}: "
            + $"{string.Join("; ", parts.Where(part => part.Length > 0))}. Nothing was loaded; {Advice()}");
    }

    private string Advice() => missing.Count == 0 && unexpected.Count == 0 && mismatched.All(StartsWithHead)
        ? "ask for the file's number of classes, or for a fresh head by naming a number of classes explicitly"
        : "check that the file belongs to this model name and image size";

    private static bool StartsWithHead(string difference) => CheckpointRules.IsHead(difference.Split(' ', 2)[0]);

    private static string List(List<string> names, string what)
    {
        const int shown = 20;
        if (names.Count == 0)
        {
            return "";
        }

        var rest = names.Count > shown ? $" and {names.Count - shown} more" : "";
        return $"{names.Count} {what}: {string.Join(", ", names.Take(shown))}{rest}";
    }
}
