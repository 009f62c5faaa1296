using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Models;

/// <summary>y = x W^T + b over the last dimension.</summary>
internal sealed class Linear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    public Linear(int inputs, int outputs, bool bias = true)
        : base(nameof(Linear))
    {
        _weight = NewParameter.Zeros(outputs, inputs);
        _bias = bias ? NewParameter.Zeros(outputs) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => LinearProduct.Of(input, _weight, _bias);
}

/// <summary>Layer normalisation over the last dimension. The epsilon has no default: ViT and CaiT use 1e-6, Swin 1e-5, others both.</summary>
internal sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
    private readonly double _epsilon;
    private readonly long[] _shape;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    public LayerNorm(int dim, double epsilon)
        : base(nameof(LayerNorm))
    {
        (_epsilon, _shape) = (epsilon, [dim]);
        _weight = NewParameter.Ones(dim);
        _bias = NewParameter.Zeros(dim);
        RegisterComponents();
    }

    public double Epsilon => _epsilon;

    public long Channels => _shape[0];

    public override Tensor forward(Tensor input) => nn.functional.layer_norm(input, _shape, _weight, _bias, _epsilon);
}

/// <summary>Two linear layers with a GELU between them, an exact (erf) one unless another is asked for.</summary>
internal sealed class Mlp : nn.Module<Tensor, Tensor>
{
    private readonly Activation _activation;

    [ComponentName(Name = "fc1")]
    private readonly Linear _expand;

    [ComponentName(Name = "fc2")]
    private readonly Linear _contract;

    public Mlp(int dim, int hidden, Activation activation = Activation.Gelu)
        : base(nameof(Mlp))
    {
        _activation = activation;
        _expand = new Linear(dim, hidden);
        _contract = new Linear(hidden, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = Activated(_expand.forward(input)); // (…, hidden)
        return _contract.forward(hidden).MoveToOuterDisposeScope();
    }

    private Tensor Activated(Tensor hidden) => _activation switch
    {
        Activation.QuickGelu => Overwriting.Scaled(hidden, hidden.Times(1.702).sigmoid_()),
        Activation.GeluTanh => nn.functional.gelu(hidden, TorchSharp.Modules.GELU.Approximate.tanh, inplace: Overwriting.Allowed),
        _ => nn.functional.gelu(hidden, inplace: Overwriting.Allowed),
    };
}

/// <summary>The function between the two layers of an MLP.</summary>
public enum Activation
{
    /// <summary>x times the normal distribution's cumulative function at x, by erf.</summary>
    Gelu,

    /// <summary>GELU by its approximation with tanh (timm's <c>gelu_tanh</c>).</summary>
    GeluTanh,

    /// <summary>x sigmoid(1.702 x), OpenAI's CLIP (timm's <c>quick_gelu</c>).</summary>
    QuickGelu,
}

/// <summary>
/// A gated MLP (timm's <c>SwiGLUPacked</c>): the first layer gives two halves, and SiLU of the first times the second goes through the second layer.
/// The hidden channels count both halves.
/// </summary>
internal sealed class GatedMlp : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "fc1")]
    private readonly Linear _expand;

    [ComponentName(Name = "fc2")]
    private readonly Linear _contract;

    public GatedMlp(int dim, int hidden)
        : base(nameof(GatedMlp))
    {
        _expand = new Linear(dim, hidden);
        _contract = new Linear(hidden / 2, dim);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var both = _expand.forward(input); // (…, hidden)
        var half = both.shape[^1] / 2;
        var gate = nn.functional.silu(both.narrow(-1, 0, half), inplace: false);
        return _contract.forward(Overwriting.Scaled(gate, both.narrow(-1, half, half))).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Stochastic depth: in training a sample's branch is dropped with probability <paramref name="rate"/>, and kept branches are
/// scaled by 1 / (1 - rate). It has no state; randomness comes from torch's generator of the tensor's device.
/// </summary>
internal sealed class DropPath(double rate)
{
    public double Rate { get; } = rate;

    /// <summary>The rates of <paramref name="depth"/> blocks, rising linearly from 0 to <paramref name="last"/>.</summary>
    public static double[] Linear(double last, int depth) =>
        [.. Enumerable.Range(0, depth).Select(i => depth == 1 ? 0 : last * i / (depth - 1))];

    /// <summary>input + branch, with the branch dropped for some samples. Dimension 0 counts samples. The branch is used up.</summary>
    public Tensor Add(Tensor input, Tensor branch, bool training)
    {
        if (!training || Rate == 0)
        {
            return Overwriting.Allowed && branch.is_contiguous() ? branch.AddInPlace(input) : input.Plus(branch);
        }

        var shape = branch.shape.Select((size, dimension) => dimension == 0 ? size : 1).ToArray();
        var keep = HeldScalars.Filled(1 - Rate, shape, branch.dtype, branch.device).bernoulli();
        return input.Plus((branch * keep).Over(1 - Rate));
    }

    /// <summary>A block's two residual branches: the stream with both added, whatever its layout. Both, and the stream between them, are offered to who asked for them.</summary>
    /// <param name="stream">The stream before the block.</param>
    /// <param name="attended">What attention adds to it; used up.</param>
    /// <param name="mlp">What the MLP adds to the stream between them.</param>
    /// <param name="training">Whether branches are dropped.</param>
    /// <param name="tap">Who may take values on the way; null for nobody.</param>
    public Tensor AddBranches(Tensor stream, Tensor attended, Func<Tensor, Tensor> mlp, bool training, BlockTap? tap)
    {
        tap?.Offer(MapPoint.Attn, attended);
        stream = Add(stream, attended, training);
        tap?.Offer(MapPoint.Mid, stream);
        var processed = mlp(stream);
        tap?.Offer(MapPoint.Mlp, processed);
        return Add(stream, processed, training);
    }
}

/// <summary>A learned factor for each channel of a residual branch, small at the start (CaiT; DeiT-III).</summary>
internal sealed class LayerScale : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "gamma")]
    private readonly Parameter _gamma;

    public LayerScale(int dim, double initial)
        : base(nameof(LayerScale))
    {
        _gamma = NewParameter.Filled(initial, dim);
        RegisterComponents();
    }

    /// <summary>The branch times the factors; it is used up.</summary>
    public override Tensor forward(Tensor input) => Overwriting.Scaled(input, _gamma);

    /// <summary>The same for a model that may have no such factors.</summary>
    public static Tensor Of(LayerScale? scale, Tensor branch) => scale is null ? branch : scale.forward(branch);
}

/// <summary>
/// Whether a layer may write its result over a value that it has just made and that nobody else sees: where autograd records nothing. The figures are the same to
/// the bit; a pass needs less memory, and the processor finds more of it in its cache.
/// </summary>
internal static class Overwriting
{
    public static bool Allowed => !is_grad_enabled();

    /// <summary>branch * factors, over the branch where that is allowed.</summary>
    public static Tensor Scaled(Tensor branch, Tensor factors) => Allowed ? branch.mul_(factors) : branch * factors;
}

/// <summary>
/// Mean over the map, a norm where it is asked for, then a linear classifier unless there are no classes: <c>[B, H, W, C]</c> or tokens <c>[B, N, C]</c> to <c>[B, classes]</c> or
/// <c>[B, C]</c>.
/// </summary>
internal sealed class PooledHead : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "norm")]
    private readonly LayerNorm? _norm;

    [ComponentName(Name = "fc")]
    private readonly Linear? _classifier;

    public PooledHead(int dim, int classes, double? epsilon = null)
        : base(nameof(PooledHead))
    {
        _norm = epsilon is { } small ? new LayerNorm(dim, small) : null;
        _classifier = classes == 0 ? null : new Linear(dim, classes);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var pooled = map.mean(map.shape.Length == 3 ? [1] : [1, 2]);
        pooled = _norm?.forward(pooled) ?? pooled;
        return (_classifier?.forward(pooled) ?? pooled).MoveToOuterDisposeScope();
    }
}

/// <summary>Turns tokens back into the picture that they came from.</summary>
internal static class TokenGrid
{
    /// <summary>A map with its channels last as a feature map: <c>[B, H, W, C]</c> to a contiguous <c>[B, C, H, W]</c>.</summary>
    public static Tensor ChannelsFirst(Tensor map) => map.permute(0, 3, 1, 2).contiguous();

    /// <summary>Patch tokens of a square grid as a feature map: <c>[B, prefix + N, C]</c> to a contiguous <c>[B, C, side, side]</c>.</summary>
    public static Tensor ToMap(Tensor tokens, int prefix, int side) => ToMap(tokens, prefix, side, side);

    /// <summary>Patch tokens as a feature map: <c>[B, prefix + N, C]</c> to a contiguous <c>[B, C, rows, columns]</c>.</summary>
    public static Tensor ToMap(Tensor tokens, int prefix, int rows, int columns)
    {
        using var scope = NewDisposeScope();
        var patches = tokens.narrow(1, prefix, tokens.shape[1] - prefix);                                          // (B, N, C)
        var map = patches.transpose(1, 2).contiguous().view(tokens.shape[0], tokens.shape[2], rows, columns);      // (B, C, H, W)
        return map.MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Makes parameters filled with a constant. torch's own layers would draw from its global generator; ours are drawn afterwards,
/// by name, from a seed (<see cref="TimmInitialization"/>), or overwritten by a checkpoint.
/// </summary>
internal static class NewParameter
{
    public static Parameter Zeros(params long[] shape) => Kept(zeros(shape));

    public static Parameter Ones(params long[] shape) => Kept(ones(shape));

    public static Parameter Filled(double value, params long[] shape) => Kept(HeldScalars.Filled(value, shape));

    // A parameter belongs to its module, not to the scope in which somebody happened to build the module.
    private static Parameter Kept(Tensor values)
    {
        var parameter = new Parameter(values);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}

/// <summary>
/// A constant tensor that is made once for each device and dtype that asks for it. It is no field of a module, because torch would
/// save it with the weights and would not move it with them.
/// </summary>
internal sealed class PlacedTensor(Func<Tensor> make) : IDisposable
{
    private readonly Dictionary<(DeviceType, int, ScalarType), Tensor> _copies = [];

    /// <summary>The tensor where it is needed. It belongs to this object: callers do not dispose it.</summary>
    public Tensor At(Device device, ScalarType dtype)
    {
        lock (_copies)
        {
            var place = (device.type, device.index, dtype);
            if (!_copies.TryGetValue(place, out var copy))
            {
                _copies[place] = copy = Make(device, dtype);
            }

            return copy;
        }
    }

    public void Dispose()
    {
        lock (_copies)
        {
            foreach (var copy in _copies.Values)
            {
                copy.Dispose();
            }

            _copies.Clear();
        }
    }

    // Made outside inference mode: a tensor born inside it could never take part in a backward pass.
    private Tensor Make(Device device, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var recording = inference_mode(false);
        return make().to(dtype).to(device).DetachFromDisposeScope();
    }
}

/// <summary>A layer with constants, which are freed with it.</summary>
internal abstract class LayerWithConstants : nn.Module<Tensor, Tensor>
{
    private readonly List<PlacedTensor> _constants = [];

    protected LayerWithConstants(string name)
        : base(name)
    {
    }

    protected PlacedTensor Constant(Func<Tensor> make)
    {
        var constant = new PlacedTensor(make);
        _constants.Add(constant);
        return constant;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _constants.ForEach(constant => constant.Dispose());
        }

        base.Dispose(disposing);
    }
}
