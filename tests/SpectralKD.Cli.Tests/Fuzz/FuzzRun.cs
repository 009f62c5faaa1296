using System.Diagnostics;
using System.Globalization;
using CsCheck;

namespace SpectralKD.Cli.Tests.Fuzz;

/// <summary>
/// Reads spoilt file after spoilt file. Whatever is in it, a reader gives a result or one <see cref="SpectralKDException"/> of one line of at most
/// 600 characters, in bounded memory and time. A case that does not is kept, with the seed that makes it again.
/// </summary>
internal sealed class FuzzRun(FuzzTarget target, string folder)
{
    public const long MostAllocated = 512L << 20;
    private const int LongestMessage = 600;
    private static readonly TimeSpan Hangs = TimeSpan.FromMinutes(3);

    /// <summary>Reads so many cases, or as many as the time allows; returns their number.</summary>
    /// <param name="seed">The first case's seed; each further case takes the next number.</param>
    /// <param name="cases">How many at most.</param>
    /// <param name="time">How long at most.</param>
    public long Read(ulong seed, long cases, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        long count = 0;
        Exception? failure = null;
        var progress = 0L;
        void Work()
        {
            try
            {
                for (; count < cases && clock.Elapsed < time; count++)
                {
                    Case(seed + (ulong)count);
                    Interlocked.Increment(ref progress);
                }
            }
            catch (Exception error)
            {
                failure = error;
            }
        }
        var worker = new Thread(Work, 1 << 20) { IsBackground = true, Name = $"fuzz {target.Name}" };
        worker.Start();
        var seen = -1L;
        while (!worker.Join(Hangs))
        {
            var now = Interlocked.Read(ref progress);
            Assert.True(now != seen, $"{target.Name}: a case lasts longer than {Hangs.TotalMinutes} minutes: seed {seed + (ulong)now}, {PathOf(seed + (ulong)now)}");
            seen = now;
        }
        return failure is null ? count : throw new Xunit.Sdk.XunitException(failure.Message, failure);
    }

    /// <summary>Reads the sound files.</summary>
    public void ReadSamples()
    {
        for (var index = 0; index < target.Samples.Count; index++)
        {
            var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"sound-{index}{target.Extension}"));
            File.WriteAllBytes(path, target.Samples[index]);
            target.Read(path, target.Samples[index]);
        }
    }

    // The file stays until it was read: what ends the process leaves it behind.
    private void Case(ulong seed)
    {
        var bytes = target.Cases.Generate(new PCG(1, seed), null, out _);
        var path = PathOf(seed);
        File.WriteAllBytes(path, bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var wrong = Judge(path, bytes);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        wrong ??= allocated > target.MostAllocated ? $"{allocated >> 20} MiB were allocated for {bytes.Length} bytes" : null;
        if (wrong is not null)
        {
            var kept = Path.Combine(Path.GetTempPath(), Path.GetFileName(path));
            File.Copy(path, kept, overwrite: true);
            throw new InvalidOperationException($"{target.Name}, seed {seed}, {kept}: {wrong}");
        }
        File.Delete(path);
    }

    private string? Judge(string path, byte[] bytes)
    {
        try
        {
            target.Read(path, bytes);
            return null;
        }
        catch (SpectralKDException error)
        {
            return error.Message.Length > LongestMessage ? $"a message of {error.Message.Length} characters: {error.Message}"
                : error.Message.Any(char.IsControl) ? $"a message with control characters: {error.Message}"
                : error.Message.Length == 0 ? "an empty message"
                : null;
        }
        catch (Exception error) when (target.IsAnswer(error))
        {
            return null;
        }
        catch (Exception error)
        {
            return error.ToString();
        }
    }

    private string PathOf(ulong seed) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{target.Name.Replace(' ', '-')}-{seed}{target.Extension}"));
}
