using System.Globalization;

namespace SpectralKD.Weights;

/// <summary>
/// Reads a pickle as plain data. Python's own machine imports whatever a pickle names and calls it; this one imports and calls nothing: it knows a
/// short list of names (<see cref="TorchGlobals"/>) and stands for each with data of its own; an object of any other class is an empty place that
/// bears the class's name; and the names by which attacks run code end the reading.
/// </summary>
/// <remarks>
/// Source: Python's pickletools module, which documents every opcode. There is no recursion, whatever a pickle nests. A library was tried instead,
/// Razorvine.Pickle 1.5.0, and fails where it matters: it bounds no memory (recalling one text of 1 MB and passing it to <c>bytearray</c>, 7 bytes of a
/// pickle each time, makes 1 GB out of a file of 1 MB, and its machine is sealed); it reads a dict into a Hashtable, which loses the order of the tensors;
/// it looks for <c>__setstate__</c> by reflection on whatever is there; and damage is an IndexOutOfRangeException that names no place.
/// </remarks>
internal sealed class PickleMachine
{
    private const int MaximumOpcodes = 5_000_000;
    private const int HighestProtocol = 5;

    private readonly PickleBudget _budget;
    private readonly PickleBytes _bytes;
    private readonly PickleStack _stack;
    private readonly Dictionary<string, PickleStorage>? _storages;

    private PickleMachine(ReadOnlyMemory<byte> pickle, PickleBudget budget, Dictionary<string, PickleStorage>? storages)
    {
        _storages = storages;
        _budget = budget;
        _bytes = new PickleBytes(pickle, budget);
        _stack = new PickleStack(budget);
    }

    /// <summary>Reads one pickle, which may end before the bytes do.</summary>
    /// <param name="pickle">The pickle and whatever follows it.</param>
    /// <param name="budget">What it may take of memory.</param>
    /// <param name="storages">Takes all storages that it names, by key; null where nobody asks.</param>
    /// <returns>The value, and the number of bytes that it took.</returns>
    /// <exception cref="SpectralKDException">The pickle is damaged, too large, or names a function that runs code.</exception>
    public static (object? Value, int Length) Read(
        ReadOnlyMemory<byte> pickle, PickleBudget budget, Dictionary<string, PickleStorage>? storages = null)
    {
        var machine = new PickleMachine(pickle, budget, storages);
        return (machine.Run(), machine._bytes.Position);
    }

    private object? Run()
    {
        for (var count = 0; count < MaximumOpcodes; count++)
        {
            var opcode = (PickleOpcode)_bytes.Byte();
            if (opcode == PickleOpcode.Stop)
            {
                return _stack.Pop();
            }

            if (!RunConstant(opcode) && !RunContainer(opcode) && !RunStack(opcode) && !RunObject(opcode))
            {
                throw new SpectralKDException($"its pickle has an unknown opcode 0x{(byte)opcode:x2} at byte {_bytes.Position - 1}");
            }
        }

        throw new SpectralKDException($"its pickle has more than {MaximumOpcodes} steps");
    }

    private bool RunConstant(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.None: _stack.Push(null); break;
            case PickleOpcode.NewTrue: _stack.Push(true); break;
            case PickleOpcode.NewFalse: _stack.Push(false); break;
            case PickleOpcode.BinInt: _stack.Push((long)_bytes.Int32()); break;
            case PickleOpcode.BinInt1: _stack.Push((long)_bytes.Byte()); break;
            case PickleOpcode.BinInt2: _stack.Push((long)_bytes.UInt16()); break;
            case PickleOpcode.Long1: _stack.Push(_bytes.Integer(_bytes.Byte())); break;
            case PickleOpcode.Long4: _stack.Push(_bytes.Integer(_bytes.Int32())); break;
            case PickleOpcode.Int or PickleOpcode.Long: _stack.Push(_bytes.IntegerLine()); break;
            case PickleOpcode.BinFloat: _stack.Push(_bytes.Double()); break;
            case PickleOpcode.Float: _stack.Push(Number(_bytes.Line())); break;
            case PickleOpcode.ShortBinUnicode: _stack.Push(_bytes.Text(_bytes.Byte())); break;
            case PickleOpcode.BinUnicode: _stack.Push(_bytes.Text(_bytes.UInt32())); break;
            case PickleOpcode.BinUnicode8: _stack.Push(_bytes.Text(_bytes.UInt64())); break;
            case PickleOpcode.Unicode: _stack.Push(_bytes.Line()); break;
            case PickleOpcode.ShortBinString: _stack.Push(_bytes.Latin1(_bytes.Byte())); break;
            case PickleOpcode.BinString: _stack.Push(_bytes.Latin1(_bytes.Int32())); break;
            case PickleOpcode.String: _stack.Push(_bytes.Line().Trim('\'', '"')); break;
            case PickleOpcode.ShortBinBytes: SkipBytes(_bytes.Byte()); break;
            case PickleOpcode.BinBytes: SkipBytes(_bytes.UInt32()); break;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: SkipBytes(_bytes.UInt64()); break;
            default: return false;
        }

        return true;
    }

    private bool RunContainer(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.EmptyList: Push(PickleItemsKind.List, []); break;
            case PickleOpcode.EmptyTuple: Push(PickleItemsKind.Tuple, []); break;
            case PickleOpcode.EmptySet: Push(PickleItemsKind.Set, []); break;
            case PickleOpcode.EmptyDict: PushDict(); break;
            case PickleOpcode.List: Push(PickleItemsKind.List, _stack.PopMark()); break;
            case PickleOpcode.Tuple: Push(PickleItemsKind.Tuple, _stack.PopMark()); break;
            case PickleOpcode.FrozenSet: Push(PickleItemsKind.Set, _stack.PopMark()); break;
            case PickleOpcode.Tuple1: Push(PickleItemsKind.Tuple, _stack.Pop(1)); break;
            case PickleOpcode.Tuple2: Push(PickleItemsKind.Tuple, _stack.Pop(2)); break;
            case PickleOpcode.Tuple3: Push(PickleItemsKind.Tuple, _stack.Pop(3)); break;
            case PickleOpcode.Append: AppendOne(_stack.Pop()); break;
            case PickleOpcode.Appends or PickleOpcode.AddItems: Append(_stack.PopMark()); break;
            case PickleOpcode.SetItem: SetItems(_stack.Pop(2)); break;
            case PickleOpcode.SetItems: SetItems(_stack.PopMark()); break;
            case PickleOpcode.Dict:
                var items = _stack.PopMark();
                PushDict();
                SetItems(items);
                break;
            default: return false;
        }

        return true;
    }

    private bool RunStack(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark: _stack.Mark(); break;
            case PickleOpcode.Pop: _stack.Pop(); break;
            case PickleOpcode.PopMark: _stack.PopMark(); break;
            case PickleOpcode.Dup: _stack.Push(_stack.Peek()); break;
            case PickleOpcode.Memoize: _stack.Memoize(); break;
            case PickleOpcode.BinPut: _stack.Put(_bytes.Byte()); break;
            case PickleOpcode.LongBinPut: _stack.Put(_bytes.UInt32()); break;
            case PickleOpcode.Put: _stack.Put(Index()); break;
            case PickleOpcode.BinGet: _stack.Get(_bytes.Byte()); break;
            case PickleOpcode.LongBinGet: _stack.Get(_bytes.UInt32()); break;
            case PickleOpcode.Get: _stack.Get(Index()); break;
            case PickleOpcode.Frame: _bytes.UInt64(); break; // Only a hint for buffered reading.
            case PickleOpcode.Proto: CheckProtocol(_bytes.Byte()); break;
            default: return false;
        }

        return true;
    }

    private bool RunObject(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Global: PushGlobal(_bytes.Line(), _bytes.Line()); break;
            case PickleOpcode.StackGlobal: RunStackGlobal(); break;
            case PickleOpcode.Reduce or PickleOpcode.NewObj: RunCall(); break;
            case PickleOpcode.Build: RunBuild(); break;
            case PickleOpcode.BinPersId: PushStorage(TorchGlobals.Storage(_stack.Pop())); break;
            case PickleOpcode.Inst: throw TorchGlobals.Refuse($"{_bytes.Line()}.{_bytes.Line()}");
            case PickleOpcode.Obj: throw TorchGlobals.Refuse(ClassName(_stack.PopMark()));
            case PickleOpcode.NewObjEx: throw TorchGlobals.Refuse(ClassName(_stack.Pop(3)));
            case PickleOpcode.Ext1 or PickleOpcode.Ext2 or PickleOpcode.Ext4: throw TorchGlobals.Refuse("an extension code instead of a name");
            case PickleOpcode.PersId: throw new SpectralKDException("its pickle names storages by text, which torch.save never does");
            case PickleOpcode.NextBuffer or PickleOpcode.ReadOnlyBuffer:
                throw new SpectralKDException("its pickle refers to buffers outside of it, which torch.save never does");
            default: return false;
        }

        return true;
    }

    private void RunStackGlobal()
    {
        var name = _stack.Pop<string>("a name");
        PushGlobal(_stack.Pop<string>("a module's name"), name);
    }

    private void PushGlobal(string module, string name)
    {
        _budget.Take(PickleBudget.Container + (2 * sizeof(char) * ((long)module.Length + name.Length)));
        _stack.Push(TorchGlobals.Find(module, name));
    }

    private void RunCall()
    {
        var arguments = _stack.Pop<PickleItems>("a tuple of arguments");
        _budget.Take(2 * PickleBudget.Container); // whatever stands for the result: none is larger, and none copies its arguments
        var result = TorchGlobals.Call(_stack.Pop<PickleGlobal>("a class or function"), arguments.Items);
        _budget.Take(result is PickleTensor tensor ? sizeof(long) * (tensor.Shape.Count + tensor.Strides.Count) : 0);
        _stack.Push(result);
    }

    /// <summary>
    /// Attributes: a Namespace takes them; a plain dictionary (a state_dict's _metadata), a tensor and an object of a class that is passed over do
    /// without; nobody else may have any.
    /// </summary>
    private void RunBuild()
    {
        var state = _stack.Pop();
        if (_stack.Peek() is PickleTensor or PickleOther or PickleDict { IsObject: true })
        {
            return;
        }

        var target = _stack.Peek<PickleDict>("an object that may have attributes (dict or argparse.Namespace)");
        if (state is not PickleDict attributes)
        {
            throw new SpectralKDException($"its pickle sets the state of a {target.ClassName} with something that is no dictionary; nothing was executed");
        }

        if (target.ClassName == TorchGlobals.Namespace && !target.Adopt(attributes))
        {
            throw new SpectralKDException("its pickle sets the state of one argparse.Namespace twice");
        }
    }

    private static string ClassName(List<object?> call) => (call.FirstOrDefault() as PickleGlobal)?.Name ?? "an object of some class";

    private void SkipBytes(long count)
    {
        _bytes.Skip(count);
        _stack.Push(PickleOther.Bytes);
    }

    private void Push(PickleItemsKind kind, List<object?> items)
    {
        _budget.Take(PickleBudget.Container);
        _stack.Push(new PickleItems(kind, items));
    }

    private void PushDict()
    {
        _budget.Take(PickleBudget.Container);
        _stack.Push(new PickleDict("dict"));
    }

    private void PushStorage(PickleStorage storage)
    {
        _budget.Take(PickleBudget.Entry);
        _stack.Push(storage);
        if (_storages is not null && !_storages.TryAdd(storage.Key, storage) && _storages[storage.Key] != storage)
        {
            throw new SpectralKDException($"its pickle describes the storage '{storage.Key}' in two ways");
        }
    }

    private void AppendOne(object? item)
    {
        if (_stack.Peek() is PickleDict { IsObject: true } or PickleOther)
        {
            return;
        }

        var target = _stack.Peek<PickleItems>("a list or set to add to").Items;
        _budget.Take(target.Count == 0 ? PickleBudget.FirstSlots : PickleBudget.Slot);
        target.Add(item);
    }

    private void Append(List<object?> items)
    {
        if (_stack.Peek() is PickleDict { IsObject: true } or PickleOther)
        {
            return; // a deque, a list of a class of its own: passed over
        }

        _budget.Take(PickleBudget.Slot * (long)items.Count);
        _stack.Peek<PickleItems>("a list or set to add to").Items.AddRange(items);
    }

    private void SetItems(List<object?> pairs)
    {
        if (pairs.Count % 2 != 0)
        {
            throw new SpectralKDException("its pickle gives a dictionary a key without a value");
        }

        if (_stack.Peek() is PickleOther)
        {
            return;
        }

        var target = _stack.Peek<PickleDict>("a dictionary to add to");
        for (var i = 0; i < pairs.Count; i += 2)
        {
            _budget.Take(PickleBudget.Entry);
            target.Set(pairs[i], pairs[i + 1]);
        }
    }

    private long Index() => _bytes.IntegerLine() is long index ? index : -1;

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new SpectralKDException("its pickle holds no number where one should be");

    private static void CheckProtocol(byte protocol)
    {
        if (protocol > HighestProtocol)
        {
            throw new SpectralKDException($"its pickle has protocol {protocol}; 0 to {HighestProtocol} are known");
        }
    }
}

/// <summary>The pickle machine's stack and memo.</summary>
internal sealed class PickleStack(PickleBudget budget)
{
    private readonly List<object?> _values = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];

    public void Push(object? value)
    {
        budget.Take(PickleBudget.Slot + (value is long or double or bool ? PickleBudget.Box : 0));
        _values.Add(value);
    }

    public void Mark()
    {
        budget.Take(PickleBudget.Slot);
        _marks.Add(_values.Count);
    }

    /// <summary>Takes the uppermost value; values below the last mark are out of reach.</summary>
    public object? Pop()
    {
        var value = Peek();
        _values.RemoveAt(_values.Count - 1);
        return value;
    }

    public object? Peek()
    {
        var floor = _marks.Count == 0 ? 0 : _marks[^1];
        return _values.Count > floor ? _values[^1] : throw new SpectralKDException("its pickle takes a value from an empty stack");
    }

    public T Pop<T>(string what) => Pop() is T value ? value : throw new SpectralKDException($"its pickle has something else where {what} should be");

    public T Peek<T>(string what) => Peek() is T value ? value : throw new SpectralKDException($"its pickle has something else where {what} should be");

    /// <summary>Takes everything above the last mark, and the mark.</summary>
    public List<object?> PopMark()
    {
        if (_marks.Count == 0)
        {
            throw new SpectralKDException("its pickle closes a group that it never opened");
        }

        var start = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        budget.Take(PickleBudget.Container + (PickleBudget.Slot * (long)(_values.Count - start)));
        var items = _values.GetRange(start, _values.Count - start);
        _values.RemoveRange(start, _values.Count - start);
        return items;
    }

    public List<object?> Pop(int count)
    {
        budget.Take(PickleBudget.Container);
        var items = new List<object?>(count);
        for (var i = 0; i < count; i++)
        {
            items.Insert(0, Pop());
        }

        return items;
    }

    public void Put(long index)
    {
        budget.Take(PickleBudget.Entry);
        _memo[index] = Peek();
    }

    public void Memoize() => Put(_memo.Count);

    public void Get(long index) =>
        Push(_memo.TryGetValue(index, out var value) ? value : throw new SpectralKDException($"its pickle recalls value {index}, which it never stored"));
}
