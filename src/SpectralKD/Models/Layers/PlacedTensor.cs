using TorchSharp;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

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
