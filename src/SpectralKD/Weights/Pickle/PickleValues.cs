namespace SpectralKD.Weights.Pickle;

/// <summary>A Python list, tuple or set: plain items, never compared or hashed.</summary>
internal sealed class PickleItems(PickleItemsKind kind, List<object?> items)
{
    public PickleItemsKind Kind { get; } = kind;

    public List<object?> Items { get; } = items;
}

/// <summary>Which Python container a <see cref="PickleItems"/> was.</summary>
internal enum PickleItemsKind
{
    List,
    Tuple,
    Set,
}

/// <summary>
/// A Python dict (OrderedDict and defaultdict too) or the attributes of an argparse.Namespace. Only entries with a string as
/// key can be looked up: hashing whatever else a file puts there would let it choose how much work that is.
/// </summary>
internal sealed class PickleDict(string className, bool isObject = false)
{
    private Dictionary<string, object?>? entries;

    /// <summary>The Python class, for example <c>collections.OrderedDict</c>.</summary>
    public string ClassName { get; } = className;

    /// <summary>True for an object of a class that this reader does not know: only what it holds as a dictionary is kept, and nothing of it is executed.</summary>
    public bool IsObject { get; } = isObject;

    /// <summary>Entries with string keys, in the order of their first setting.</summary>
    public IReadOnlyDictionary<string, object?> Entries => entries ?? Empty;

    private static readonly Dictionary<string, object?> Empty = [];

    /// <summary>Sets an entry; one whose key is no string is dropped.</summary>
    public void Set(object? key, object? value)
    {
        if (key is string name)
        {
            (entries ??= new Dictionary<string, object?>(StringComparer.Ordinal))[name] = value;
        }
    }

    /// <summary>Takes over another one's entries without copying them; false if there are entries already.</summary>
    public bool Adopt(PickleDict other)
    {
        if (entries is not null)
        {
            return false;
        }

        entries = other.entries;
        return true;
    }
}

/// <summary>A class or function that a pickle named and that this reader knows; it stands for the name, not for code.</summary>
internal sealed record PickleGlobal(string Name);

/// <summary>A value that is passed over: what it is, for messages. Its content is not kept.</summary>
internal sealed record PickleOther(string What)
{
    public static PickleOther Bytes { get; } = new("bytes");
}

/// <summary>
/// What a pickle says about one storage: the entry <c>data/Key</c> of the archive holds <c>Count</c> elements. Without a type it counts bytes;
/// a type that this library has no use for (complex, quantized) is <see cref="Foreign"/>.
/// </summary>
internal sealed record PickleStorage(string Key, ElementType? Type, long Count, string? Foreign = null)
{
    /// <summary>Bytes of one element of a foreign type; null for the others.</summary>
    public int? ForeignSize => Foreign switch
    {
        null => null,
        "complex128" => 16,
        "complex64" => 8,
        "qint32" => 4,
        _ => 1,
    };
}

/// <summary>What a pickle says about one tensor: a strided window of a storage. Offset and strides count elements.</summary>
internal sealed record PickleTensor(PickleStorage Storage, ElementType Type, long Offset, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides);
