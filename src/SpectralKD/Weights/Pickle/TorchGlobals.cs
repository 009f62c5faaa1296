namespace SpectralKD.Weights;

/// <summary>
/// The names that a checkpoint's pickle uses for tensors and plain Python data, and what each of them stands for here: all that
/// <c>torch.load(weights_only=True)</c> takes. Other classes (numpy's, pathlib's, a configuration's) stand for an empty object; none leads to code.
/// </summary>
internal static class TorchGlobals
{
    public const string Namespace = "argparse.Namespace";
    public const string NumpyArray = "a numpy array";
    private const string OrderedDict = "collections.OrderedDict";
    private const string DefaultDict = "collections.defaultdict";
    private const string Counter = "collections.Counter";
    private const string FromType = "torch._tensor._rebuild_from_type";
    private const string FromTypeV2 = "torch._tensor._rebuild_from_type_v2";

    private static readonly Dictionary<string, ElementType> Storages = new(StringComparer.Ordinal)
    {
        ["torch.DoubleStorage"] = ElementType.F64,
        ["torch.FloatStorage"] = ElementType.F32,
        ["torch.HalfStorage"] = ElementType.F16,
        ["torch.BFloat16Storage"] = ElementType.BF16,
        ["torch.LongStorage"] = ElementType.I64,
        ["torch.IntStorage"] = ElementType.I32,
        ["torch.ShortStorage"] = ElementType.I16,
        ["torch.CharStorage"] = ElementType.I8,
        ["torch.ByteStorage"] = ElementType.U8,
        ["torch.BoolStorage"] = ElementType.Bool,
    };

    private static readonly Dictionary<string, ElementType> Types = new(StringComparer.Ordinal)
    {
        ["torch.float64"] = ElementType.F64,
        ["torch.float32"] = ElementType.F32,
        ["torch.float16"] = ElementType.F16,
        ["torch.bfloat16"] = ElementType.BF16,
        ["torch.int64"] = ElementType.I64,
        ["torch.int32"] = ElementType.I32,
        ["torch.int16"] = ElementType.I16,
        ["torch.int8"] = ElementType.I8,
        ["torch.uint8"] = ElementType.U8,
        ["torch.bool"] = ElementType.Bool,
        ["torch.uint16"] = ElementType.U16,
        ["torch.uint32"] = ElementType.U32,
        ["torch.uint64"] = ElementType.U64,
        ["torch.float8_e4m3fn"] = ElementType.F8E4M3,
        ["torch.float8_e5m2"] = ElementType.F8E5M2,
    };

    /// <summary>Storages of numbers that no model here has.</summary>
    private static readonly Dictionary<string, string> ForeignStorages = new(StringComparer.Ordinal)
    {
        ["torch.ComplexDoubleStorage"] = "complex128",
        ["torch.ComplexFloatStorage"] = "complex64",
        ["torch.QUInt8Storage"] = "quint8",
        ["torch.QInt8Storage"] = "qint8",
        ["torch.QInt32Storage"] = "qint32",
        ["torch.QUInt4x2Storage"] = "quint4x2",
        ["torch.QUInt2x4Storage"] = "quint2x4",
    };

    private static readonly HashSet<string> UntypedStorages = new(StringComparer.Ordinal)
    {
        "torch.storage.UntypedStorage", "torch.storage._UntypedStorage", "torch.UntypedStorage", "torch._UntypedStorage",
    };

    private static readonly HashSet<string> Others = new(StringComparer.Ordinal)
    {
        OrderedDict, DefaultDict, Counter, Namespace, "_codecs.encode", "torch.Size", "torch.device",
        "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
        "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state", FromType, FromTypeV2,
        "builtins.dict", "builtins.list", "builtins.set", "builtins.frozenset", "builtins.tuple", "builtins.bytearray", "builtins.bytes",
        "builtins.complex", "builtins.slice", "builtins.range", "builtins.xrange", "builtins.object", "builtins.int", "builtins.float", "builtins.str", "builtins.bool",
    };

    /// <summary>Tensors that hold their numbers otherwise than in one strided window: passed over.</summary>
    private static readonly Dictionary<string, string> ForeignTensors = new(StringComparer.Ordinal)
    {
        ["torch._utils._rebuild_sparse_tensor"] = "a sparse tensor",
        ["torch._utils._rebuild_sparse_csr_tensor"] = "a sparse tensor",
        ["torch._utils._rebuild_qtensor"] = "a quantized tensor",
        ["torch._utils._rebuild_nested_tensor"] = "a nested tensor",
        ["torch._utils._rebuild_meta_tensor_no_storage"] = "a tensor without values (device meta)",
        ["torch._utils._rebuild_wrapper_subclass"] = "a tensor of a class of its own",
        ["torch._utils._rebuild_device_tensor_from_numpy"] = "a tensor of another device",
        ["torch._utils._rebuild_device_tensor_from_cpu_tensor"] = "a tensor of another device",
        ["torch._utils._rebuild_xla_tensor"] = "a tensor of another device",
        ["numpy.core.multiarray._reconstruct"] = NumpyArray,
        ["numpy._core.multiarray._reconstruct"] = NumpyArray,
        ["numpy.core.multiarray.scalar"] = "a numpy number",
        ["numpy._core.multiarray.scalar"] = "a numpy number",
    };

    /// <summary>Looks a name up; one that would run code ends the reading.</summary>
    public static PickleGlobal Find(string module, string name)
    {
        module = module == "__builtin__" ? "builtins" : module;
        var full = $"{module}.{name}";
        return IsKnown(full) || !CodeNames.RunsCode(module, name) ? new PickleGlobal(full) : throw Refuse(full);
    }

    /// <summary>The error for anything that would have to be imported or called.</summary>
    public static SpectralKDException Refuse(string name)
    {
        var shown = new string([.. name.Take(120).Select(c => char.IsControl(c) ? '?' : c)]);
        var advice = name.StartsWith("numpy", StringComparison.Ordinal)
            ? "it holds numpy values; save plain numbers and tensors instead (float(x), torch.from_numpy(x))"
            : "save only the state_dict (torch.save(model.state_dict(), …)) or convert it to safetensors";
        return new SpectralKDException($"its pickle asks for '{shown}', which is neither a tensor nor plain data; nothing was executed; {advice}");
    }

    /// <summary>What a call of a known name with these arguments stands for; a call of any other is an empty object of that name.</summary>
    public static object? Call(PickleGlobal function, List<object?> arguments) => function.Name switch
    {
        // A tensor of a subclass, a parameter with attributes: (function, class, its arguments, state); the function may not be one of these two again.
        FromType or FromTypeV2 when arguments is [PickleGlobal { Name: not (FromType or FromTypeV2) } inner, PickleGlobal, PickleItems call, ..] =>
            Call(inner, call.Items),
        OrderedDict or DefaultDict or Counter or "builtins.dict" => Dictionary(function.Name, arguments),
        Namespace when arguments.Count == 0 => new PickleDict(Namespace),
        "builtins.set" or "builtins.frozenset" => Items(PickleItemsKind.Set, arguments),
        "builtins.list" => Items(PickleItemsKind.List, arguments),
        "builtins.tuple" or "torch.Size" => Items(PickleItemsKind.Tuple, arguments),
        "torch.device" when arguments.Count is 1 or 2 && arguments[0] is string device => device,
        "_codecs.encode" when arguments is [string, string] => PickleOther.Bytes,
        "builtins.bytearray" or "builtins.bytes" => PickleOther.Bytes,
        "builtins.complex" or "builtins.slice" or "builtins.range" or "builtins.xrange" or "builtins.object" => new PickleOther(function.Name),
        "builtins.int" or "builtins.float" or "builtins.str" or "builtins.bool" when arguments.Count <= 1 => new PickleOther(function.Name),
        "torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state" when arguments is [PickleTensor or PickleOther, ..] => arguments[0],
        "torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2" => Tensor(arguments, null),
        "torch._utils._rebuild_tensor_v3" => Tensor(arguments, arguments.ElementAtOrDefault(6) as PickleGlobal),
        var name when ForeignTensors.TryGetValue(name, out var what) => new PickleOther(what),
        var name when !IsKnown(name) => new PickleDict(arguments is [PickleGlobal named, ..] && IsReconstructor(name) ? named.Name : name, isObject: true),
        _ => throw new SpectralKDException($"its pickle calls '{function.Name}' with arguments that torch.save never writes; nothing was executed"),
    };

    /// <summary>A persistent id: <c>('storage', class, key, location, count)</c>; the format before torch 1.6 adds None.</summary>
    public static PickleStorage Storage(object? id)
    {
        if (id is PickleItems { Kind: PickleItemsKind.Tuple, Items: ["storage", PickleGlobal type, string key, _, long count, ..] and ({ Count: 5 } or [.., null]) } items
            && items.Items.Count <= 6 && count >= 0 && key.Length is > 0 and <= 20 && key.All(char.IsAsciiDigit))
        {
            if (Storages.TryGetValue(type.Name, out var element))
            {
                return new PickleStorage(key, element, count);
            }

            if (UntypedStorages.Contains(type.Name))
            {
                return new PickleStorage(key, null, count);
            }

            if (ForeignStorages.TryGetValue(type.Name, out var foreign))
            {
                return new PickleStorage(key, null, count, foreign);
            }
        }

        throw new SpectralKDException("its pickle refers to a storage in a way that torch.save never does");
    }

    private static bool IsKnown(string name) => Storages.ContainsKey(name) || Types.ContainsKey(name) || Others.Contains(name)
        || ForeignStorages.ContainsKey(name) || UntypedStorages.Contains(name);

    // copyreg._reconstructor(class, base, state): how protocols 0 and 1 make an object of a class.
    private static bool IsReconstructor(string name) => name is "copyreg._reconstructor" or "copy_reg._reconstructor";

    /// <summary>Copies share their entries: a file could otherwise have one long list copied a million times.</summary>
    private static PickleDict Dictionary(string name, List<object?> arguments)
    {
        var dictionary = new PickleDict(name);
        if (arguments.LastOrDefault() is PickleDict source)
        {
            dictionary.Adopt(source);
        }

        return dictionary;
    }

    private static PickleItems Items(PickleItemsKind kind, List<object?> arguments) =>
        new(kind, (arguments.FirstOrDefault() as PickleItems)?.Items ?? []);

    private static object Tensor(List<object?> arguments, PickleGlobal? typeName)
    {
        if (arguments is not [PickleStorage storage, long offset, PickleItems sizes, PickleItems steps, ..]
            || !TryNumbers(sizes, out var shape) || !TryNumbers(steps, out var strides))
        {
            throw new SpectralKDException("its pickle describes a tensor in a way that torch.save never does");
        }

        if (storage.Foreign is { } foreign)
        {
            return new PickleOther($"a tensor of {foreign}");
        }

        if (typeName is not null && storage.Type is null && !Types.ContainsKey(typeName.Name))
        {
            return new PickleOther($"a tensor of {typeName.Name}");
        }

        var named = typeName is not null && Types.TryGetValue(typeName.Name, out var type) ? type : storage.Type;
        return new PickleTensor(
            storage, named ?? throw new SpectralKDException("its pickle describes a tensor without a type"), offset, shape, strides);
    }

    private static bool TryNumbers(PickleItems items, out List<long> numbers)
    {
        const int maximumRank = 64; // torch's own limit
        numbers = items.Items.Count <= maximumRank ? [.. items.Items.OfType<long>()] : [];
        return numbers.Count == items.Items.Count;
    }
}

/// <summary>
/// Names by which a pickle would run code in Python. This reader runs nothing, whatever a pickle names; but a file that asks for them is no
/// checkpoint, or one that attacks whoever opens it elsewhere, and is refused by name.
/// </summary>
internal static class CodeNames
{
    private const int LongestName = 200;

    private static readonly HashSet<string> Modules = new(
        ("os posix nt sys subprocess importlib imp runpy shutil socket ctypes _ctypes pickle _pickle cPickle dill cloudpickle marshal shelve code codeop pty "
        + "commands popen2 webbrowser pip asyncio multiprocessing threading _thread signal tempfile ssl http urllib urllib2 httplib requests httpx aiohttp "
        + "ftplib smtplib telnetlib operator _operator inspect gc atexit site sysconfig distutils setuptools timeit cProfile pdb bdb doctest pydoc idlelib "
        + "tkinter io _io builtins mmap ensurepip venv zipimport zipapp linecache").Split(' '), StringComparer.Ordinal);

    private static readonly string[] Starts =
    [
        "types.FunctionType", "types.CodeType", "types.LambdaType", "types.MethodType", "types.ModuleType", "torch.hub.", "torch.jit.",
        "torch.load", "torch.save", "torch.serialization.load", "torch.ops.", "torch.classes.", "torch.package.", "torch.fx.",
        "torch.utils.cpp_extension.", "torch.utils.model_zoo.", "torch.utils.bottleneck.", "torch.utils.collect_env.", "torch._inductor.",
        "torch._dynamo.", "torch.compile", "torch.distributed.rpc.", "numpy.testing.", "numpy.f2py.", "numpy.distutils.", "numpy.load", "numpy.fromfile",
        "numpy.memmap", "copyreg.add_extension", "copyreg.pickle", "functools.reduce", "pathlib.Path.", "yaml.",
    ];

    /// <summary>True for a name that no checkpoint has for its data: it runs code, reaches behind a class, or is no Python name at all.</summary>
    public static bool RunsCode(string module, string name)
    {
        var full = $"{module}.{name}";
        return full.Length > LongestName || !full.All(IsNameCharacter) || module.Length == 0
            || Modules.Contains(module.Split('.', 2)[0]) || Starts.Any(start => full.StartsWith(start, StringComparison.Ordinal))
            || full.Split('.').Any(part => part.Length == 0 || (part.StartsWith("__", StringComparison.Ordinal) && part.EndsWith("__", StringComparison.Ordinal)
                && part is not "__main__"));
    }

    private static bool IsNameCharacter(char c) => char.IsLetterOrDigit(c) || c is '_' or '.' or '-' or '<' or '>';
}

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
    private Dictionary<string, object?>? _entries;

    /// <summary>The Python class, for example <c>collections.OrderedDict</c>.</summary>
    public string ClassName { get; } = className;

    /// <summary>True for an object of a class that this reader does not know: only what it holds as a dictionary is kept, and nothing of it is executed.</summary>
    public bool IsObject { get; } = isObject;

    /// <summary>Entries with string keys, in the order of their first setting.</summary>
    public IReadOnlyDictionary<string, object?> Entries => _entries ?? Empty;

    private static readonly Dictionary<string, object?> Empty = [];

    /// <summary>Sets an entry; one whose key is no string is dropped.</summary>
    public void Set(object? key, object? value)
    {
        if (key is string name)
        {
            (_entries ??= new Dictionary<string, object?>(StringComparer.Ordinal))[name] = value;
        }
    }

    /// <summary>Takes over another one's entries without copying them; false if there are entries already.</summary>
    public bool Adopt(PickleDict other)
    {
        if (_entries is not null)
        {
            return false;
        }

        _entries = other._entries;
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
