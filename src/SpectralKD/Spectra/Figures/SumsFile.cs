using System.Runtime.InteropServices;
using System.Text;

namespace SpectralKD.Spectra;

/// <summary>
/// The sums of a report as a safetensors file of whole numbers: the spectra's JSON as bytes in <c>spectrum</c>, then for each block <c>blocks.3.moments</c> and so on, 128 bits
/// a sum, the lower 64 first. One call writes a list or takes it over, so that both directions cannot differ.
/// </summary>
internal sealed class SumsFile
{
    private static readonly SumsFormat Format = new("spectralkd.report/1", "report's sums", "report", "SpectralReport.Save or spectralkd report");

    private readonly StoredSums? _read;
    private readonly Dictionary<string, Tensor> _written = new(StringComparer.Ordinal);
    private string _block = "";

    private SumsFile(StoredSums? read) => _read = read;

    /// <summary>Writes a file; it appears whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="spectrum">The spectra.</param>
    /// <param name="basis">What tells the basis of a second pass from others; null without one.</param>
    /// <param name="exchange">Hands over the lists.</param>
    internal static void Write(string path, ModelSpectrum spectrum, string? basis, Action<SumsFile> exchange)
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var file = new SumsFile(null);
        exchange(file);
        file._written["spectrum"] = tensor(Encoding.UTF8.GetBytes(spectrum.ToJson()));
        Format.Write(path, file._written, basis);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="SpectralKDException">It is no report, or damaged.</exception>
    internal static T Read<T>(string path, Func<SumsFile, ModelSpectrum, string?, T> make)
    {
        using var scope = NewDisposeScope();
        using var stored = Format.Open(path);
        var spectrum = SpectrumJson.Read(Encoding.UTF8.GetString(stored.Bytes("spectrum")), $"the JSON in {path}");
        try
        {
            return make(new SumsFile(stored), spectrum, stored.Basis);
        }
        catch (Exception error) when (error is OverflowException or OutOfMemoryException)
        {
            throw new SpectralKDException($"{path} is damaged: it holds numbers beyond what sums can hold; make the report again", error);
        }
    }

    /// <summary>Begins with the lists of a block; null for those of all.</summary>
    internal void Begin(int? block = null) => _block = block is { } position ? FormattableString.Invariant($"blocks.{position}.") : "";

    /// <summary>Writes a list, or fills it.</summary>
    internal void Exchange(string name, Span<long> values)
    {
        if (_read is null)
        {
            _written[_block + name] = tensor(values.ToArray());
            return;
        }

        _read.Fill(_block + name, values);
    }

    /// <summary>Refuses lists of a block of another size, before memory is taken for them.</summary>
    internal void RequireLength(string name, long length) => _read!.RequireLength(_block + name, length);

    /// <summary>Refuses a file that contradicts itself.</summary>
    internal void Require(bool condition, string found) => _read?.Require(condition, found);
}

/// <summary>A kind of file of sums: safetensors with a name in its header.</summary>
/// <param name="Name">That name, with the version.</param>
/// <param name="Holds">What such a file holds.</param>
/// <param name="Made">What is to be made again where one is damaged.</param>
/// <param name="Writers">What writes one.</param>
internal sealed record SumsFormat(string Name, string Holds, string Made, string Writers)
{
    private const string Key = "spectralkd";

    /// <summary>Whether a file is one of these, of whatever version, judged by its header.</summary>
    public bool Looks(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Metadata.GetValueOrDefault(Key, "").StartsWith(Name[..(Name.IndexOf('/', StringComparison.Ordinal) + 1)], StringComparison.Ordinal);
    }

    /// <summary>Writes one; it appears whole or not at all.</summary>
    public void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, string? basis = null)
    {
        var metadata = new Dictionary<string, string> { [Key] = Name };
        if (basis is not null)
        {
            metadata[nameof(basis)] = basis;
        }

        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>Opens one.</summary>
    /// <exception cref="SpectralKDException">It is another file, or of another version.</exception>
    public StoredSums Open(string path)
    {
        var file = SafetensorsFile.Open(path);
        var found = file.Metadata.GetValueOrDefault(Key, "none");
        if (found != Name)
        {
            file.Dispose();
            throw new SpectralKDException($"{path} holds no {Holds} that this version reads: its format is {found}, wanted is {Name}; give a file that {Writers} wrote");
        }

        return new StoredSums(file, path, Made);
    }
}

/// <summary>An open file of sums, which refuses what is not there as it should be.</summary>
internal sealed class StoredSums(SafetensorsFile file, string path, string made) : IDisposable
{
    /// <summary>What tells the basis of a report's second pass from others; null without one.</summary>
    public string? Basis => file.Metadata.GetValueOrDefault("basis");

    /// <summary>A text.</summary>
    public byte[] Bytes(string name)
    {
        Require(file.Tensors.TryGetValue(name, out var info) && info.Type == ElementType.U8, $"it has no {name}");
        return Values<byte>(name, ElementType.U8, info!.Shape);
    }

    /// <summary>The shape of a list of whole numbers.</summary>
    public IReadOnlyList<long> ListShape(string name)
    {
        Require(file.Tensors.TryGetValue(name, out var info) && info.Shape.Count == 1, $"it has no {name}");
        return info!.Shape;
    }

    /// <summary>Numbers of a type and shape.</summary>
    public T[] Values<T>(string name, ElementType type, IReadOnlyList<long> shape)
        where T : unmanaged
    {
        Require(file.Tensors.TryGetValue(name, out var info) && info.Type == type && info.Shape.SequenceEqual(shape), $"{name} is not [{string.Join(", ", shape)}]");
        using var stored = file.Read(name);
        return stored.numel() == 0 ? [] : stored.data<T>().ToArray(); // an accessor of nothing throws
    }

    /// <summary>As many whole numbers as fill a span.</summary>
    public void Fill(string name, Span<long> values)
    {
        RequireLength(name, values.Length);
        using var stored = file.Read(name);
        stored.data<long>().CopyTo(values);
    }

    /// <summary>Refuses whole numbers of another count.</summary>
    public void RequireLength(string name, long length)
        => Require(file.Tensors.TryGetValue(name, out var info) && info.Type == ElementType.I64 && info.Shape.Aggregate(1L, (one, two) => one * two) == length, $"{name} has not {length} whole numbers");

    /// <summary>Refuses what contradicts itself.</summary>
    public void Require(bool condition, string found)
    {
        if (!condition)
        {
            throw new SpectralKDException($"{path} is damaged: {found}; make the {made} again");
        }
    }

    public void Dispose() => file.Dispose();
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
