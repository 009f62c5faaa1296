using System.Runtime;

namespace SpectralKD.Native;

/// <summary>
/// Keeps the garbage collector still while torch computes. TorchSharp 0.107 makes a <c>Scalar</c> for every <c>a + b</c> or <c>a * 0.5</c> and does not
/// keep it alive over the native call: a collection at that moment frees it under torch's hands ("Expected false to be true"), about once in
/// ten thousand collections. Long loops therefore pause collection for each step; what died is collected between steps.
/// </summary>
/// <remarks>
/// The pause is the process's, ends by itself when more than its budget is allocated, and is none where another is on: then all is as without it.
/// </remarks>
public sealed class GarbagePause : IDisposable
{
    private static long _budget = 64L << 20;
    private readonly bool _began;

    private GarbagePause(bool began) => _began = began;

    /// <summary>Collects what little there is, then pauses until disposed of. Takes some milliseconds.</summary>
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

    /// <summary>Lets the collector work again.</summary>
    public void Dispose()
    {
        if (_began && GCSettings.LatencyMode == GCLatencyMode.NoGCRegion)
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
    }
}
