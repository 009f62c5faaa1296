using System.Runtime.InteropServices;
using System.Text;

namespace SpectralKD.Spectra;

/// <summary>
/// The sums of a report as a safetensors file of whole numbers: the spectra's JSON as bytes in <c>spectrum</c>, then for each block <c>blocks.3.moments</c> and so on, 128 bits
/// a sum, the lower 64 first. One call writes a list or takes it over, so that both directions cannot differ.
/// </summary>
internal sealed class SumsFile
{
    private const string Key = "spectralkd";
    private const string Format = "spectralkd.report/1";

    private readonly string _path;
    private readonly SafetensorsFile? _read;
    private readonly Dictionary<string, Tensor> _written = new(StringComparer.Ordinal);
    private string _block = "";

    private SumsFile(string path, SafetensorsFile? read) => (_path, _read) = (path, read);

    /// <summary>Writes a file; it appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="spectrum">The spectra.</param>
    /// <param name="basis">What tells the basis of a second pass from others; null without one.</param>
    /// <param name="exchange">Hands over the lists.</param>
    internal static void Write(string path, ModelSpectrum spectrum, string? basis, Action<SumsFile> exchange)
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var file = new SumsFile(path, null);
        exchange(file);
        file._written["spectrum"] = tensor(Encoding.UTF8.GetBytes(spectrum.ToJson()));
        var metadata = new Dictionary<string, string> { [Key] = Format };
        if (basis is not null)
        {
            metadata["basis"] = basis;
        }

        SafetensorsWriter.Write(path, file._written, metadata);
    }

    /// <summary>Whether a file is one of these, judged by its header.</summary>
    internal static bool Looks(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Metadata.ContainsKey(Key);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="SpectralKDException">It is no report, or damaged.</exception>
    internal static T Read<T>(string path, Func<SumsFile, ModelSpectrum, string?, T> make)
    {
        using var scope = NewDisposeScope();
        using var stored = SafetensorsFile.Open(path);
        var file = new SumsFile(path, stored);
        var format = stored.Metadata.GetValueOrDefault(Key, "none");
        if (format != Format)
        {
            throw new SpectralKDException($"{path} holds no report's sums that this version reads: its format is {format}, wanted is {Format}; give a file that SpectralReport.Save or spectralkd report wrote");
        }

        file.Require(stored.Tensors.TryGetValue("spectrum", out var info) && info.Type == ElementType.U8, "it has no spectrum");
        var spectrum = SpectrumJson.Read(Encoding.UTF8.GetString([.. stored.Read("spectrum").data<byte>()]), $"the JSON in {path}");
        try
        {
            return make(file, spectrum, stored.Metadata.GetValueOrDefault("basis"));
        }
        catch (Exception error) when (error is OverflowException or OutOfMemoryException)
        {
            throw new SpectralKDException($"{path} is damaged: it holds numbers beyond what sums can hold; make the report again", error);
        }
    }

    /// <summary>Begins with the lists of a block; null for those of all.</summary>
    internal void Begin(int? block = null) => _block = block is { } position ? FormattableString.Invariant($"blocks.{position}.") : "";

    /// <summary>Whether the file has lists of a block of this size, before memory is taken for them.</summary>
    internal void RequireLength(string name, long length)
        => Require(_read!.Tensors.TryGetValue(_block + name, out var info) && info.Type == ElementType.I64 && info.Shape.Aggregate(1L, (one, two) => one * two) == length, $"{_block}{name} has not {length} whole numbers");

    /// <summary>Writes a list, or fills it.</summary>
    internal void Exchange(string name, Span<long> values)
    {
        if (_read is null)
        {
            _written[_block + name] = tensor(values.ToArray());
            return;
        }

        RequireLength(name, values.Length);
        using var stored = _read.Read(_block + name);
        stored.data<long>().CopyTo(values);
    }

    /// <summary>Refuses what contradicts itself.</summary>
    internal void Require(bool condition, string found)
    {
        if (!condition)
        {
            throw new SpectralKDException($"{_path} is damaged: {found}; make the report again");
        }
    }
}

/// <summary>
/// Sums of doubles that do not depend on their order, so that parts of a data set add up to the same bytes as one run: each value counts in whole multiples of 2^-64,
/// and 128 bits hold the sums (up to 9e18).
/// </summary>
internal sealed class ExactSums(int length)
{
    private const double Limit = 1L << 53; // beyond it doubles are whole, and a thousand of them would fill the sum
    private readonly Int128[] _values = new Int128[length];

    /// <summary>Adds a value to each sum.</summary>
    /// <exception cref="SpectralKDException">A value is not finite or beyond 9e15, or a sum beyond 9e18.</exception>
    internal void Add(ReadOnlySpan<double> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            Add(i, values[i]);
        }
    }

    /// <summary>Adds a value to one sum.</summary>
    internal void Add(int index, double value)
    {
        var size = Math.Abs(value);
        if (!(size < Limit))
        {
            throw new SpectralKDException(FormattableString.Invariant(
                $"a figure's sum got {value:G3}, which is beyond {Limit:G2} or no number: check the model's weights and precision"));
        }

        var whole = (ulong)size;
        var part = new Int128(whole, (ulong)((size - whole) * 18446744073709551616.0)); // times 2^64
        _values[index] = checked(_values[index] + (value < 0 ? -part : part));
    }

    /// <summary>Adds other sums.</summary>
    internal void Add(ExactSums other)
    {
        for (var i = 0; i < _values.Length; i++)
        {
            _values[i] = checked(_values[i] + other._values[i]);
        }
    }

    /// <summary>A sum as the nearest double.</summary>
    internal double this[int index] => Math.ScaleB((double)_values[index], -64);

    /// <summary>The sums as they are stored: two whole numbers each, the lower half first.</summary>
    internal Span<long> Raw => MemoryMarshal.Cast<Int128, long>(_values.AsSpan());

    /// <summary>All sums as doubles.</summary>
    internal double[] ToArray() => [.. Enumerable.Range(0, _values.Length).Select(i => this[i])];
}
