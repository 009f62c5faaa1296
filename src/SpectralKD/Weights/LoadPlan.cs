using static TorchSharp.torch;

namespace SpectralKD.Weights;

/// <summary>One tensor to be read: from which key of the file, into which tensor of the model, through which adaptation if any.</summary>
internal sealed record LoadStep(string Key, string FileKey, Tensor Target, Func<Tensor, Tensor>? Adapt = null);

/// <summary>
/// Compares a model's state with a file before anything is read, and collects every difference.
/// </summary>
internal sealed class LoadPlan
{
    private readonly List<string> missing = [];
    private readonly List<string> unexpected = [];
    private readonly List<string> mismatched = [];
    private readonly Dictionary<string, string> fileKeys = new(StringComparer.Ordinal);

    private LoadPlan()
    {
    }

    public List<LoadStep> Steps { get; } = [];

    public List<string> FreshHead { get; } = [];

    public List<string> Ignored { get; } = [];

    /// <summary>Plans the load of all tensors of <paramref name="state"/>.</summary>
    /// <exception cref="SpectralKDException">Names, shapes or types differ; the message lists all differences.</exception>
    public static LoadPlan Make(
        string modelName, IReadOnlyDictionary<string, Tensor> state, ITensorSource source, LoadOptions options, WeightAdapter adapter)
    {
        var plan = new LoadPlan();
        plan.MatchKeys([.. state.Keys], source);
        foreach (var (key, target) in state)
        {
            plan.Add(key, target, source, options, adapter);
        }

        plan.ThrowIfDifferent(modelName, source.Name);
        return plan;
    }

    private void MatchKeys(HashSet<string> modelKeys, ITensorSource source)
    {
        var dialect = new CheckpointKeys(modelKeys, source.Tensors.Keys);
        foreach (var fileKey in source.Tensors.Keys)
        {
            var key = modelKeys.Contains(fileKey) ? fileKey : dialect.Translate(fileKey);
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

    private void Add(string key, Tensor target, ITensorSource source, LoadOptions options, WeightAdapter adapter)
    {
        if (!fileKeys.TryGetValue(key, out var fileKey))
        {
            AddMissing(key, options);
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
        else if (options.AllowHeadMismatch && HeadKeys.DifferInClassesOnly(key, stored.Shape, target.shape))
        {
            FreshHead.Add(key);
        }
        else if (adapter.Find(key, stored, target.shape) is { } adapt)
        {
            Steps.Add(new LoadStep(key, fileKey, target, adapt));
        }
        else
        {
            mismatched.Add($"{key} (file {stored.ShapeText}, model {TensorInfo.Text(target.shape)})");
        }
    }

    private void AddMissing(string key, LoadOptions options)
    {
        if (options.AllowHeadMismatch && HeadKeys.Contains(key))
        {
            FreshHead.Add(key);
        }
        else
        {
            missing.Add(key);
        }
    }

    private static bool TypeFits(ElementType stored, Tensor target) =>
        target.is_floating_point() ? stored.IsFloat() : stored.ToScalarType() == target.dtype;

    private void ThrowIfDifferent(string modelName, string sourceName)
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
        throw new SpectralKDException($"the weights '{sourceName}' do not fit the model {modelName}: "
            + $"{string.Join("; ", parts.Where(part => part.Length > 0))}. Nothing was loaded; {Advice()}");
    }

    private string Advice() => missing.Count == 0 && unexpected.Count == 0 && mismatched.All(HeadKeys.StartsWithHead)
        ? "ask for the file's number of classes, or for a fresh head by naming a number of classes explicitly"
        : "check that the file belongs to this model name and image size";

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
