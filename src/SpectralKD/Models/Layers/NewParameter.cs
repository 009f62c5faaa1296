using SpectralKD.Native;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

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
