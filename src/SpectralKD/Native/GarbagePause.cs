using System.Runtime;

namespace SpectralKD.Native;

/// <summary>
/// Keeps the garbage collector still while torch computes. TorchSharp 0.107 makes a <c>Scalar</c> for every <c>a + b</c> or <c>a * 0.5</c> and does not
/// keep it alive over the native call: a collection at that moment frees it under torch's hands ("Expected false to be true"), about once in
/// ten thousand collections. Long loops therefore pause collection for each step, and collect between steps: beginning a pause does so only
/// where memory runs short, so that without a collection of its own a training would grow by all that its steps leave behind.
/// </summary>
/// <remarks>
/// The pause is the process's, ends by itself when more than its budget is allocated, and is none where another is on: then all is as without it.
/// </remarks>
public sealed class GarbagePause : IDisposable
{
    private const long CollectAfter = 64L << 20;
    private static long _budget = 192L << 20;
    private static long _allocated;
    private readonly bool _began;

    private GarbagePause(bool began) => _began = began;

    /// <summary>Pauses until disposed of.</summary>
    public static GarbagePause Begin()
    {
        while (_budget >= 16L << 20 && GCSettings.LatencyMode != GCLatencyMode.NoGCRegion)
        {
            try
            {
                return new GarbagePause(GC.TryStartNoGCRegion(_budget));
            }
            catch (ArgumentOutOfRangeException)
            {
                _budget /= 2; // a process with little memory allowed
            }
            catch (InvalidOperationException)
            {
                break; // another thread was first
            }
        }

        return new GarbagePause(false);
    }

    /// <summary>Lets the collector work again, and has it collect where enough has been allocated since it last did.</summary>
    public void Dispose()
    {
        if (!_began)
        {
            return;
        }

        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
        {
            try
            {
                GC.EndNoGCRegion();
            }
            catch (InvalidOperationException)
            {
                // The budget ran out since the question.
            }
        }

        var allocated = GC.GetTotalAllocatedBytes();
        if (allocated - _allocated > CollectAfter)
        {
            _allocated = allocated;
            GC.Collect();
        }
    }
}
