using CsCheck;

namespace SpectralKD.Cli.Tests.Fuzz;

/// <summary>A parser under trial: spoilt files, and what reads them.</summary>
/// <param name="Name">What is read.</param>
/// <param name="Extension">The ending of the files.</param>
/// <param name="Cases">Spoilt files.</param>
/// <param name="Read">Reads one, given its path and its bytes; a result or an exception is the answer.</param>
/// <param name="Samples">The sound files, which must be read.</param>
internal sealed record FuzzTarget(string Name, string Extension, Gen<byte[]> Cases, Action<string, byte[]> Read, IReadOnlyList<byte[]> Samples)
{
    /// <summary>Where the reader may use more than <see cref="FuzzRun.MostAllocated"/> for a good reason.</summary>
    public long MostAllocated { get; init; } = FuzzRun.MostAllocated;

    /// <summary>Exceptions besides <see cref="SpectralKDException"/> that are an answer.</summary>
    public Func<Exception, bool> IsAnswer { get; init; } = _ => false;

    public override string ToString() => Name;
}
