using System.Globalization;

namespace SpectralKD.Weights.Pickle;

/// <summary>
/// What a pickle may take of memory, in proportion to the file that holds it. A few bytes of a pickle can ask for the same long text again and again;
/// so everything that the reader allocates is counted before it is allocated, whether or not it is still in use.
/// </summary>
internal sealed class PickleBudget(long fileLength)
{
    /// <summary>Costs of .NET objects in bytes, rounded up: a slot of a growing list, a boxed number, an object with its list, an entry of a dictionary, a list's first slots.</summary>
    public const int Slot = 16, Box = 24, Container = 80, Entry = 64, FirstSlots = 56;

    private const long Base = 32L << 20;
    private const int TimesTheFile = 8; // a small number takes 2 bytes in a pickle, and here a box and a slot

    private readonly long limit = Base + (Math.Max(0, Math.Min(fileLength, long.MaxValue / 16)) * TimesTheFile);
    private long taken;

    /// <summary>Counts an allocation.</summary>
    /// <exception cref="SpectralKDException">It would be too much for a file of this size.</exception>
    public void Take(long bytes)
    {
        taken += bytes;
        if (taken > limit)
        {
            throw new SpectralKDException($"its pickle asks for more than {Megabytes(limit)} MB of memory, which no file of {Megabytes(fileLength)} MB needs; "
                + "nothing was executed; save only the state_dict (torch.save(model.state_dict(), …)) or convert it to safetensors");
        }
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0.#", CultureInfo.InvariantCulture);
}
