using SpectralKD.Data;
using static TorchSharp.torch;

namespace SpectralKD.Distillation;

/// <summary>
/// Seeds torch's generators for each step from (seed, epoch, step), so that a resumed run draws what the unbroken one would have drawn, on CUDA
/// too, whose generator's state cannot be read. Puts the user's CPU generator back at the end.
/// </summary>
internal sealed class StepRandom : IDisposable
{
    private readonly Tensor _before = get_rng_state().DetachFromDisposeScope();

    public static void Seed(int seed, int epoch, int step)
    {
        using var generator = manual_seed((long)(new CounterRandom(seed, epoch, step).NextBits() >> 1));
    }

    public void Dispose()
    {
        set_rng_state(_before);
        _before.Dispose();
    }
}
