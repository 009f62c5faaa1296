using TorchSharp;
using TorchSharp.Modules;

namespace SpectralKD.Models;

/// <summary>
/// Where a model of one's own gives a feature map, and how its numbers lie. A text is a tap too: a submodule's name, or the name of a map that a function gives.
/// </summary>
/// <param name="Name">The submodule by its path as in <c>named_modules()</c>, for example <c>stages.2</c>; with a function, what the map is to be called.</param>
/// <param name="Height">Rows of the grid of tokens <c>[B, N, C]</c>; null where N is a square number, or where the map is <c>[B, C, H, W]</c>.</param>
/// <param name="Width">Columns of that grid; null as above.</param>
/// <param name="Prefix">Tokens before the grid's (class token, registers), which are left out of the map.</param>
/// <param name="ChannelsLast">True for a map <c>[B, H, W, C]</c>.</param>
public sealed record MapTap(string Name, int? Height = null, int? Width = null, int Prefix = 0, bool ChannelsLast = false)
{
    /// <summary>A tap whose map is <c>[B, C, H, W]</c>, or tokens on a square grid.</summary>
    public static implicit operator MapTap(string name) => new(name);
}

/// <summary>What a model of one's own is called, and what images it takes.</summary>
public sealed record OwnModelOptions
{
    /// <summary>Its name in tables and charts; null takes the module's class name.</summary>
    public string? Name { get; init; }

    /// <summary>How images are prepared for it. ImageNet's mean and standard deviation with timm's crop of 0.875 if nothing is said.</summary>
    public Preprocessing Preprocessing { get; init; } = Preprocessing.ImageNet;
}

/// <summary>
/// A module of the user's with the face of this library's models: its feature maps come from named submodules by forward hooks, or from a function. Its
/// parameters keep the names that they have in the module.
/// </summary>
internal sealed class OwnModel : TimmModel
{
    private readonly nn.Module<Tensor, Tensor> _module;
    private readonly TapForm[] _forms;
    private readonly Func<Tensor, (Tensor Logits, IReadOnlyList<Tensor> Maps)>? _function;
    private readonly ThreadLocal<HookedPass?> _pass = new();
    private readonly List<Action> _removals = [];

    private OwnModel(
        OwnModelSpec spec, nn.Module<Tensor, Tensor> module, TapForm[] forms, Func<Tensor, (Tensor Logits, IReadOnlyList<Tensor> Maps)>? function)
        : base(spec)
    {
        (_module, _forms, _function) = (module, forms, function);
        register_module("module", module);
        if (function is null)
        {
            Listen();
        }
    }

    /// <inheritdoc/>
    protected override Tensor FirstWeight => AnyWeight;

    /// <summary>Makes the model: two images of zeros go through it, to see what it gives.</summary>
    internal static OwnModel Of(
        nn.Module<Tensor, Tensor> module, ImageSize imageSize, IReadOnlyList<MapTap> taps, Func<Tensor, (Tensor Logits, IReadOnlyList<Tensor> Maps)>? function, OwnModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(module);
        var name = options.Name ?? module.GetType().Name;
        if (taps.Count == 0 && function is null)
        {
            throw new SpectralKDException($"{name} has no taps, so it would give no feature map: name submodules, for example {Names(module)}");
        }

        if (taps.GroupBy(tap => tap.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new SpectralKDException($"{name}: the tap '{twice.Key}' is named {twice.Count()} times: name each submodule once");
        }

        var unmeasured = new OwnModelSpec { Name = name, ImageSize = imageSize, PatchSize = 1, EmbedDim = 1, Preprocessing = options.Preprocessing };
        var probe = new OwnModel(unmeasured, module, [.. taps.Select(tap => new TapForm(tap, name))], function);
        var spec = probe.Measure();
        probe.StopListening();
        return new OwnModel(spec, module, probe._forms.Length > 0 ? probe._forms : [.. spec.Maps.Select(map => new TapForm(map.Name, name))], function)
        {
            Origin = new ModelOrigin { Kind = WeightsKind.Unknown, Name = "", Notes = [.. probe._forms.Select(form => form.Guess).OfType<string>()] },
        };
    }

    /// <inheritdoc/>
    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) => _module.named_parameters(recurse);

    /// <inheritdoc/>
    public override IEnumerable<Parameter> parameters(bool recurse = true) => _module.parameters(recurse);

    /// <inheritdoc/>
    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool include_nonpersistent_buffers = false, bool recurse = true) =>
        _module.named_buffers(include_nonpersistent_buffers, recurse);

    /// <inheritdoc/>
    public override IEnumerable<Tensor> buffers(bool include_nonpersistent_buffers = false, bool recurse = true) => _module.buffers(include_nonpersistent_buffers, recurse);

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) => _module.state_dict(destination, prefix);

    /// <inheritdoc/>
    protected override Tensor Run(Tensor images, KeptMaps kept)
    {
        using var scope = NewDisposeScope();
        var wanted = Enumerable.Range(0, Spec.ListBlocks().Count).Where(kept.Wants).ToList();
        var (logits, raw) = Forward(images, wanted, scope);
        RequireLogits(logits, images.shape[0]);
        foreach (var (block, values) in wanted.Zip(raw))
        {
            var map = _forms[block].ToMap(values, images.shape[0]);
            var expected = Blocks[block];
            if (map.shape[1] != expected.Channels || map.shape[2] != expected.Height || map.shape[3] != expected.Width)
            {
                throw new SpectralKDException($"{Spec.Name}: '{expected.Name}' gave a map of {Shape(map)}, but [B, {expected.Channels}, {expected.Height}, {expected.Width}] when it "
                    + "was made: a tap must give the same shape for every image");
            }

            kept.Keep(block, map.MoveToOuterDisposeScope()); // (B, C, H, W)
        }

        return logits.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            StopListening();
            _pass.Dispose();
        }

        base.Dispose(disposing);
    }

    // The logits, and what the wanted taps gave, in their order.
    private (Tensor Logits, IReadOnlyList<Tensor> Raw) Forward(Tensor images, IReadOnlyList<int> wanted, DisposeScope scope)
    {
        if (_function is not null)
        {
            var (given, maps) = _function(images);
            RequireCount(maps);
            return (given, [.. wanted.Select(block => maps[block])]);
        }

        var pass = new HookedPass(wanted, scope);
        _pass.Value = pass;
        try
        {
            var logits = _module.call(images);
            return (logits, [.. wanted.Select(block => pass.Of(block, _forms[block].Name, Spec.Name))]);
        }
        finally
        {
            _pass.Value = null;
        }
    }

    private OwnModelSpec Measure()
    {
        var weight = _module.parameters().FirstOrDefault(parameter => parameter.is_floating_point())
            ?? throw new SpectralKDException($"{Spec.Name} has no parameters: a model needs at least one, which tells its device and number type");
        var training = _module.training;
        _module.eval();
        try
        {
            using var guard = no_grad();
            using var scope = NewDisposeScope();
            var images = zeros([2, 3, Spec.ImageSize.Height, Spec.ImageSize.Width], weight.dtype, weight.device);
            var (logits, raw) = _function is null ? Forward(images, [.. Enumerable.Range(0, _forms.Length)], scope) : _function(images);
            RequireLogits(logits, 2);
            if (raw.Count == 0)
            {
                throw new SpectralKDException($"{Spec.Name}: the function gave no maps: give at least one [B, C, H, W]");
            }

            var forms = _forms.Length > 0 ? _forms : [.. raw.Select((_, i) => new TapForm(FormattableString.Invariant($"maps.{i}"), Spec.Name))];
            RequireCount(raw, forms.Length);
            var sizes = raw.Select((values, i) => (Form: forms[i], forms[i].ToMap(values, 2).shape)).ToList();
            var modules = _module.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
            return (OwnModelSpec)Spec with
            {
                Classes = (int)logits.shape[1],
                EmbedDim = (int)sizes[^1].shape[1],
                Total = _module.parameters().Sum(parameter => parameter.NumberOfElements),
                Maps = [.. sizes.Select((size, i) => new BlockInfo(i, size.Form.Name, (int)size.shape[1], (int)size.shape[2], (int)size.shape[3]))],
                InTaps = [.. sizes.Select(size => modules.TryGetValue(size.Form.Name, out var part) ? part.parameters().Sum(parameter => parameter.NumberOfElements) : 0)],
            };
        }
        catch (Exception error) when (error is not (SpectralKDException or OutOfMemoryException or OperationCanceledException))
        {
            throw new SpectralKDException(
                $"{Spec.Name} failed on images [2, 3, {Spec.ImageSize.Height}, {Spec.ImageSize.Width}]: {error.Message.Split('\n')[0].Trim()}; give the image size that it was made for", error);
        }
        finally
        {
            _module.train(training);
        }
    }

    private void Listen()
    {
        var modules = _module.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        for (var i = 0; i < _forms.Length; i++)
        {
            var (block, name) = (i, _forms[i].Name);
            if (!modules.TryGetValue(name, out var part))
            {
                throw new SpectralKDException($"{Spec.Name} has no submodule '{name}'{NearestName.Suggestion(name, modules.Keys)}; it has {Names(_module)}");
            }

            if (part is not nn.Module<Tensor, Tensor> tapped)
            {
                throw new SpectralKDException($"{Spec.Name}: '{name}' is a {part.GetType().Name}, which takes or gives more than one tensor: give the maps by a function instead");
            }

            var hook = tapped.register_forward_hook((_, _, output) =>
            {
                _pass.Value?.Take(block, output);
                return output;
            });
            _removals.Add(hook.remove);
        }
    }

    private void StopListening()
    {
        _removals.ForEach(remove => remove());
        _removals.Clear();
    }

    private void RequireCount(IReadOnlyList<Tensor> maps, int? taps = null)
    {
        if (maps.Count != (taps ?? _forms.Length))
        {
            throw new SpectralKDException($"{Spec.Name}: the function gave {maps.Count} maps for {taps ?? _forms.Length} taps: give one for each, in their order");
        }
    }

    private void RequireLogits(Tensor logits, long batch)
    {
        if (logits.shape.Length != 2 || logits.shape[0] != batch)
        {
            throw new SpectralKDException($"{Spec.Name} gave logits of {Shape(logits)} for {batch} images: [{batch}, classes] is needed (pool and flatten maps before the end)");
        }
    }

    private static string Names(nn.Module module)
    {
        const int shown = 8;
        var names = module.named_modules().Select(entry => entry.name).Where(name => name.Length > 0).ToList();
        return names.Count == 0 ? "none" : string.Join(", ", names.Take(shown)) + (names.Count > shown ? ", …" : "");
    }

    internal static string Shape(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";
}

/// <summary>How a tap's numbers become a map.</summary>
internal sealed class TapForm(MapTap tap, string model)
{
    public string Name => tap.Name;

    /// <summary>What was assumed about the grid, for the user to know; null where nothing was.</summary>
    public string? Guess { get; private set; }

    /// <summary>What a tap gave as <c>[B, C, H, W]</c>, a tensor of its own.</summary>
    public Tensor ToMap(Tensor values, long batch)
    {
        if (values.shape[0] != batch)
        {
            throw Misfit(values, $"the first dimension must be the {batch} images{(values.shape.Length > 1 && values.shape[1] == batch ? "; here they come second: transpose(0, 1)" : "")}");
        }

        return values.shape.Length switch
        {
            4 when tap.ChannelsLast => Whole(values.permute(0, 3, 1, 2).contiguous()),
            4 => Whole(values.alias()),
            3 => Tokens(values),
            _ => throw Misfit(values, "a map is [B, C, H, W], [B, H, W, C] (ChannelsLast) or tokens [B, N, C]"),
        };
    }

    // A map has its grid; what a tap says of it besides must be true.
    private Tensor Whole(Tensor map) => tap.Prefix != 0 || (tap.Height ?? map.shape[2]) != map.shape[2] || (tap.Width ?? map.shape[3]) != map.shape[3]
        ? throw Misfit(map, $"a map [B, C, H, W] of {map.shape[2]} x {map.shape[3]} has no other grid and no tokens before it: leave Height, Width and Prefix out{(tap.ChannelsLast ? ", or ChannelsLast" : "")}")
        : map;

    private Tensor Tokens(Tensor values)
    {
        var (batch, count, channels) = (values.shape[0], values.shape[1] - tap.Prefix, values.shape[2]);
        var side = (long)Math.Round(Math.Sqrt(Math.Max(0, count)));
        var (height, width) = (tap.Height ?? (tap.Width is { } columns ? count / columns : side), tap.Width ?? (tap.Height is { } rows ? count / rows : side));
        if (count < 1 || height * width != count)
        {
            throw Misfit(values, tap.Height is null && tap.Width is null
                ? $"{count} tokens are no square grid: say it, for example new MapTap(\"{Name}\", Height: 14, Width: 14, Prefix: 1)"
                : $"{count} tokens do not fill {height} x {width}: give the grid's Height and Width, and as Prefix the tokens before it");
        }

        Guess = tap.Height is null && tap.Width is null ? $"{Name}: {count} tokens taken as {side} x {side}, row by row" : null;
        using var scope = NewDisposeScope();
        return values.narrow(1, tap.Prefix, count).transpose(1, 2).reshape(batch, channels, height, width).contiguous().MoveToOuterDisposeScope(); // (B, C, H, W)
    }

    private SpectralKDException Misfit(Tensor values, string advice) => new($"{model}: '{Name}' gives {OwnModel.Shape(values)}: {advice}");
}

/// <summary>What the hooks hear in one forward pass. A copy is taken, for the module may write over the value or free it.</summary>
internal sealed class HookedPass(IReadOnlyList<int> wanted, DisposeScope scope)
{
    private readonly Dictionary<int, (Tensor Values, int Calls)> _heard = [];

    public void Take(int block, Tensor output)
    {
        if (wanted.Contains(block))
        {
            var calls = _heard.TryGetValue(block, out var before) ? before.Calls : 0;
            var copy = output.clone().DetachFromDisposeScope();
            scope.Attach(copy);
            _heard[block] = (copy, calls + 1);
        }
    }

    public Tensor Of(int block, string tap, string model) => !_heard.TryGetValue(block, out var heard)
        ? throw new SpectralKDException($"{model}: the submodule '{tap}' was not heard in the forward pass: hooks hear module.call(x), not module.forward(x); use call in the module, or give the maps by a function")
        : heard.Calls > 1 ? throw new SpectralKDException($"{model}: the submodule '{tap}' ran {heard.Calls} times in one forward pass, so it gives no one map: give the maps by a function")
        : heard.Values;
}

/// <summary>The measured shape of a user's module.</summary>
internal sealed record OwnModelSpec : ModelSpec
{
    public override string Family => "own";

    /// <summary>Its maps in the order of the taps.</summary>
    public IReadOnlyList<BlockInfo> Maps { get; init; } = [];

    /// <summary>Parameters in each tapped submodule; 0 for a function's maps.</summary>
    public IReadOnlyList<long> InTaps { get; init; } = [];

    /// <summary>Parameters in all.</summary>
    public long Total { get; init; }

    public override VisionModel Build() => throw new SpectralKDException(
        $"{Name} is a module made in C#, so it cannot be made again by its sizes: convert the module itself (module.to(torch.bfloat16)) and take it with VisionModel.From");

    protected override void CheckSizes()
    {
    }

    protected override ModelFigures CountParts() => new()
    {
        Parameters = Total,
        MultiplyAdds = 0,
        Blocks = [.. Maps.Select((map, i) => new BlockFigures(map, InTaps[i], 0))],
    };
}
