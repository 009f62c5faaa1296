using TorchSharp.Modules;

namespace SpectralKD.Distillation;

/// <summary>
/// A slowly following copy of a model's weights: <c>ema = decay * ema + (1 - decay) * model</c> after each step (timm's <c>ModelEma</c>).
/// Owns its tensors.
/// </summary>
internal sealed class ExponentialMovingAverage : IDisposable
{
    private readonly Dictionary<string, Tensor> _averages;
    private readonly IReadOnlyList<(string Name, Tensor Values)> _followed;

    /// <summary>Starts from the weights as they are.</summary>
    /// <param name="parameters">A model's named parameters; they must outlive this.</param>
    /// <param name="decay">In [0, 1): 0.99996 in the reference, less for short runs.</param>
    /// <param name="buffers">What a model keeps beside its parameters (BatchNorm's statistics): averaged too, as timm does; whole numbers are copied.</param>
    /// <exception cref="SpectralKDException">The decay is out of range.</exception>
    public ExponentialMovingAverage(IEnumerable<(string Name, Parameter Parameter)> parameters, double decay, IEnumerable<(string Name, Tensor Values)>? buffers = null)
    {
        if (!(decay >= 0 && decay < 1))
        {
            throw new SpectralKDException(FormattableString.Invariant($"the EMA's decay must be in [0, 1), but is {decay}"));
        }

        LibTorch.EnsureLoaded();
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        Decay = decay;
        _followed = [.. parameters.Select(entry => (entry.Name, (Tensor)entry.Parameter)), .. buffers ?? []];
        _averages = _followed.ToDictionary(entry => entry.Name, entry => entry.Values.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>The decay, in [0, 1).</summary>
    public double Decay { get; set; }

    /// <summary>The averages by the names of parameters and buffers; they belong to this object.</summary>
    public IReadOnlyDictionary<string, Tensor> Averages => _averages;

    /// <summary>Follows the model after a step.</summary>
    public void Update()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        HeldScalars.Follow(_followed.Where(entry => entry.Values.is_floating_point()).Select(entry => (_averages[entry.Name], entry.Values)), Decay);
        foreach (var (name, values) in _followed.Where(entry => !entry.Values.is_floating_point()))
        {
            _averages[name].copy_(values);
        }
    }

    /// <summary>Exchanges the model's weights with the averages, to the bit; a second call puts them back.</summary>
    public void Swap()
    {
        using var guard = no_grad();
        foreach (var (name, values) in _followed)
        {
            using var scope = NewDisposeScope();
            var own = values.detach().clone();
            values.copy_(_averages[name]);
            _averages[name].copy_(own);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var average in _averages.Values)
        {
            average.Dispose();
        }
    }
}
