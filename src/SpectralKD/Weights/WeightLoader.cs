namespace SpectralKD.Weights;

/// <summary>
/// Copies stored weights into a model after comparing all names, shapes and types: either everything fits and is loaded,
/// or one error lists every difference and the model stays as it was.
/// </summary>
/// <remarks>torch's own <c>load_state_dict</c> broadcasts and casts silently and names no difference; this does not use it.</remarks>
public static class WeightLoader
{
    /// <summary>Loads a model from a source whose keys are timm's or one of the dialects that timm itself accepts.</summary>
    /// <param name="model">
    /// The model; its parameters are changed in place, on the device and in the type that they have, and its <see cref="VisionModel.Origin"/> says so.
    /// </param>
    /// <param name="weights">The opened weights.</param>
    /// <param name="options">What may differ; nothing if null.</param>
    /// <returns>What was done besides copying.</returns>
    /// <exception cref="SpectralKDException">The weights do not fit; nothing was loaded.</exception>
    public static LoadReport Load(VisionModel model, ITensorSource weights, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(weights);
        var report = Load(model, model.Spec.Name, weights, CheckpointRules.Of(model), options ?? LoadOptions.Strict);
        model.Origin = LoadedOrigin.Of(model, weights, report);
        return report;
    }

    /// <summary>Loads any module by the given rules.</summary>
    internal static LoadReport Load(nn.Module model, string name, ITensorSource weights, CheckpointRules rules, LoadOptions options)
    {
        LibTorch.EnsureLoaded();
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var plan = LoadPlan.Make(name, model.state_dict(), weights, rules, options);
        foreach (var step in plan.Steps)
        {
            if (step.Fitted is null)
            {
                weights.ReadInto(step.FileKey, step.Target);
            }
            else
            {
                step.Target.copy_(step.Fitted);
            }
        }

        var resized = plan.Steps.Where(step => step.Fitted is not null).Select(step => step.Key);
        return new LoadReport(plan.FreshHead, [.. resized], plan.Ignored);
    }
}

/// <summary>How <see cref="WeightLoader"/> treats what does not fit.</summary>
public sealed record LoadOptions
{
    /// <summary>Every difference is an error.</summary>
    public static LoadOptions Strict { get; } = new();

    /// <summary>
    /// True keeps the model's own fresh head where the file's has another number of classes (or none at all), as timm does
    /// when <c>num_classes</c> differs from the checkpoint's. Only the head's rows may differ, never its inputs. A model without a head passes over the file's.
    /// </summary>
    public bool AllowHeadMismatch { get; init; }
}

/// <summary>What a successful load did besides copying, by the model's keys.</summary>
/// <param name="FreshHead">Keys of the head that kept the model's fresh values.</param>
/// <param name="Resized">Keys whose stored tensors were interpolated to the model's image size.</param>
/// <param name="Ignored">Keys of the file that hold nothing a model needs, such as Swin's recomputable index buffers.</param>
public sealed record LoadReport(IReadOnlyList<string> FreshHead, IReadOnlyList<string> Resized, IReadOnlyList<string> Ignored);

/// <summary>
/// One tensor to be loaded: from which key of the file, into which tensor of the model. <paramref name="Fitted"/> is the tensor
/// that was interpolated to the model's shape, or null where the file's bytes go in as they are.
/// </summary>
internal sealed record LoadStep(string Key, string FileKey, Tensor Target, Tensor? Fitted = null);

/// <summary>Compares a model's state with a file before anything is loaded, and collects every difference.</summary>
internal sealed class LoadPlan
{
    private readonly List<string> _missing = [];
    private readonly List<string> _unexpected = [];
    private readonly List<string> _mismatched = [];
    private readonly Dictionary<string, string> _fileKeys = new(StringComparer.Ordinal);
    private readonly ITensorSource _source;
    private readonly CheckpointRules _rules;
    private readonly bool _freshHeadAllowed;

    private LoadPlan(ITensorSource source, CheckpointRules rules, LoadOptions options)
    {
        _source = source;
        _rules = rules;
        _freshHeadAllowed = options.AllowHeadMismatch;
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
        var plainKeys = _source.Tensors.Keys.Select(CheckpointRules.WithoutWrapper).ToHashSet(StringComparer.Ordinal);
        var dialect = new CheckpointKeys(modelKeys, plainKeys);
        var headless = _freshHeadAllowed && !modelKeys.Any(CheckpointRules.IsHead);
        foreach (var fileKey in _source.Tensors.Keys)
        {
            var key = dialect.Translate(CheckpointRules.WithoutWrapper(fileKey));
            if (key is null || (headless && CheckpointRules.IsHead(key)))
            {
                Ignored.Add(fileKey);
            }
            else if (!modelKeys.Contains(key))
            {
                _unexpected.Add(fileKey);
            }
            else if (!_fileKeys.TryAdd(key, fileKey))
            {
                _mismatched.Add($"{key} (twice in the file: '{_fileKeys[key]}' and '{fileKey}')");
            }
        }
    }

    private void Add(string key, Tensor target)
    {
        if (!_fileKeys.TryGetValue(key, out var fileKey))
        {
            if (_freshHeadAllowed && CheckpointRules.IsHead(key))
            {
                FreshHead.Add(key);
            }
            else
            {
                _missing.Add(_source.PassedOver.TryGetValue(key, out var what) ? $"{key} (there it is {what})" : key);
            }

            return;
        }

        var stored = _source.Tensors[fileKey];
        if (!TypeFits(stored.Type, target))
        {
            _mismatched.Add($"{key} (file {stored.Type.FormatName()}, model {target.dtype})");
        }
        else if (stored.Shape.SequenceEqual(target.shape))
        {
            Steps.Add(new LoadStep(key, fileKey, target));
        }
        else if (_freshHeadAllowed && CheckpointRules.DifferInClassesOnly(key, stored.Shape, target.shape))
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
        var fitted = _rules.Fit(key, _source.Read(stored.Key));
        if (fitted.shape.SequenceEqual(target.shape))
        {
            Steps.Add(new LoadStep(key, stored.Key, target, fitted));
        }
        else
        {
            _mismatched.Add($"{key} (file {stored.ShapeText}, model {TensorInfo.Text(target.shape)})");
        }
    }

    private static bool TypeFits(ElementType stored, Tensor target) =>
        target.is_floating_point() ? stored.IsFloat() : stored.ToScalarType() == target.dtype;

    private void ThrowIfDifferent(string modelName)
    {
        if (_missing.Count + _unexpected.Count + _mismatched.Count == 0)
        {
            return;
        }

        var stored = _source.Tensors.Values.GroupBy(tensor => CheckpointRules.WithoutWrapper(tensor.Key)).ToDictionary(group => group.Key, group => group.First().Shape);
        if (_rules.Explain(stored) is { } misfit)
        {
            var names = ModelCatalog.All.Where(entry => misfit.Fits(entry.Spec)).Select(entry => entry.Name).Take(3).ToList();
            throw new SpectralKDException($"the weights '{_source.Name}' do not fit the model {modelName}: {misfit.Words}. Nothing was loaded"
                + (names.Count == 0 ? "" : $"; use {string.Join(" or ", names)}"));
        }

        var parts = new[]
        {
            List(_missing, "missing in the file"),
            List(_unexpected, "unknown to the model"),
            List(_mismatched, "different"),
        };
        throw new SpectralKDException($"the weights '{_source.Name}' do not fit the model {modelName}: "
            + $"{string.Join("; ", parts.Where(part => part.Length > 0))}. Nothing was loaded; {Advice()}");
    }

    private string Advice() => _missing.Count == 0 && _unexpected.Count == 0 && _mismatched.All(StartsWithHead)
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

/// <summary>The classifier's rows: how many a file has, and timm's initial values for a fresh one.</summary>
internal static class HeadRows
{
    private static readonly string[] Weights = ["head.weight", "head.fc.weight"];

    /// <summary>Number of classes of a file's classifier; null if it has none.</summary>
    public static int? Of(ITensorSource file)
    {
        var head = file.Tensors.Values.FirstOrDefault(tensor => Weights.Contains(CheckpointRules.WithoutWrapper(tensor.Key)));
        return head is { Shape: [> 0 and <= int.MaxValue, _] } ? (int)head.Shape[0] : null;
    }

    /// <summary>Gives tensors of a model timm's initial values, from seed 0.</summary>
    public static void Fill(VisionModel model, IReadOnlyList<string> keys)
    {
        using var guard = no_grad();
        foreach (var (name, parameter) in model.named_parameters().Where(pair => keys.Contains(pair.name)))
        {
            using var scope = NewDisposeScope();
            var values = new float[parameter.NumberOfElements];
            TimmInitialization.Fill(values, model.Spec, name, parameter.shape, seed: 0);
            parameter.copy_(tensor(values, parameter.shape));
        }
    }
}
