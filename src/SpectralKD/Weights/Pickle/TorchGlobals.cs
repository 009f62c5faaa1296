using System.Text;

namespace SpectralKD.Weights.Pickle;

/// <summary>
/// The names that a checkpoint's pickle may use, and what each of them stands for here. None of them leads to code that the
/// file chooses. The list is what <c>torch.save</c> itself needs for tensors and plain Python data.
/// </summary>
internal static class TorchGlobals
{
    public const string Namespace = "argparse.Namespace";
    private const string OrderedDict = "collections.OrderedDict";
    private const string DefaultDict = "collections.defaultdict";

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
    };

    private static readonly HashSet<string> Others = new(StringComparer.Ordinal)
    {
        OrderedDict, DefaultDict, Namespace, "_codecs.encode", "torch.Size", "torch.device", "torch.storage.UntypedStorage",
        "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
        "builtins.dict", "builtins.list", "builtins.set", "builtins.frozenset", "builtins.tuple",
        "builtins.int", "builtins.float", "builtins.str", "builtins.bool",
    };

    /// <summary>Looks a name up; an unknown one ends the reading.</summary>
    public static PickleGlobal Find(string module, string name)
    {
        var full = $"{(module == "__builtin__" ? "builtins" : module)}.{name}";
        return Storages.ContainsKey(full) || Types.ContainsKey(full) || Others.Contains(full) ? new PickleGlobal(full) : throw Refuse(full);
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

    /// <summary>What a call of a known name with these arguments stands for.</summary>
    public static object? Call(PickleGlobal function, List<object?> arguments) => function.Name switch
    {
        OrderedDict or DefaultDict or "builtins.dict" => Dictionary(function.Name, arguments),
        Namespace when arguments.Count == 0 => new PickleDict(Namespace),
        "builtins.set" or "builtins.frozenset" => Items(PickleItemsKind.Set, arguments),
        "builtins.list" => Items(PickleItemsKind.List, arguments),
        "builtins.tuple" or "torch.Size" => Items(PickleItemsKind.Tuple, arguments),
        "torch.device" when arguments.Count is 1 or 2 && arguments[0] is string device => device,
        "_codecs.encode" when arguments is [string text, string] => Encoding.Latin1.GetBytes(text),
        "torch._utils._rebuild_parameter" when arguments is [PickleTensor tensor, ..] => tensor,
        "torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2" => Tensor(arguments, null),
        "torch._utils._rebuild_tensor_v3" => Tensor(arguments, arguments.ElementAtOrDefault(6) as PickleGlobal),
        _ => throw new SpectralKDException($"its pickle calls '{function.Name}' with arguments that torch.save never writes; nothing was executed"),
    };

    /// <summary>A persistent id: <c>('storage', class, key, location, count)</c>.</summary>
    public static PickleStorage Storage(object? id)
    {
        if (id is PickleItems { Kind: PickleItemsKind.Tuple, Items: ["storage", PickleGlobal type, string key, _, long count] }
            && count >= 0 && key.Length is > 0 and <= 20 && key.All(char.IsAsciiDigit))
        {
            if (Storages.TryGetValue(type.Name, out var element))
            {
                return new PickleStorage(key, element, count);
            }

            if (type.Name == "torch.storage.UntypedStorage")
            {
                return new PickleStorage(key, null, count);
            }
        }

        throw new SpectralKDException("its pickle refers to a storage in a way that torch.save never does");
    }

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

    private static PickleTensor Tensor(List<object?> arguments, PickleGlobal? typeName)
    {
        if (arguments is not [PickleStorage storage, long offset, PickleItems sizes, PickleItems steps, ..]
            || !TryNumbers(sizes, out var shape) || !TryNumbers(steps, out var strides))
        {
            throw new SpectralKDException("its pickle describes a tensor in a way that torch.save never does");
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
