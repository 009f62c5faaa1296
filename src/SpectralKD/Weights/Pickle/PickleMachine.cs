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

    private readonly PickleBudget budget;
    private readonly PickleBytes bytes;
    private readonly PickleStack stack;
    private readonly Dictionary<string, PickleStorage>? storages;

    private PickleMachine(ReadOnlyMemory<byte> pickle, PickleBudget budget, Dictionary<string, PickleStorage>? storages)
    {
        this.storages = storages;
        this.budget = budget;
        bytes = new PickleBytes(pickle, budget);
        stack = new PickleStack(budget);
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
        return (machine.Run(), machine.bytes.Position);
    }

    private object? Run()
    {
        for (var count = 0; count < MaximumOpcodes; count++)
        {
            var opcode = (PickleOpcode)bytes.Byte();
            if (opcode == PickleOpcode.Stop)
            {
                return stack.Pop();
            }

            if (!RunConstant(opcode) && !RunContainer(opcode) && !RunStack(opcode) && !RunObject(opcode))
            {
                throw new SpectralKDException($"its pickle has an unknown opcode 0x{(byte)opcode:x2} at byte {bytes.Position - 1}");
            }
        }

        throw new SpectralKDException($"its pickle has more than {MaximumOpcodes} steps");
    }

    private bool RunConstant(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.None: stack.Push(null); break;
            case PickleOpcode.NewTrue: stack.Push(true); break;
            case PickleOpcode.NewFalse: stack.Push(false); break;
            case PickleOpcode.BinInt: stack.Push((long)bytes.Int32()); break;
            case PickleOpcode.BinInt1: stack.Push((long)bytes.Byte()); break;
            case PickleOpcode.BinInt2: stack.Push((long)bytes.UInt16()); break;
            case PickleOpcode.Long1: stack.Push(bytes.Integer(bytes.Byte())); break;
            case PickleOpcode.Long4: stack.Push(bytes.Integer(bytes.Int32())); break;
            case PickleOpcode.Int or PickleOpcode.Long: stack.Push(bytes.IntegerLine()); break;
            case PickleOpcode.BinFloat: stack.Push(bytes.Double()); break;
            case PickleOpcode.Float: stack.Push(Number(bytes.Line())); break;
            case PickleOpcode.ShortBinUnicode: stack.Push(bytes.Text(bytes.Byte())); break;
            case PickleOpcode.BinUnicode: stack.Push(bytes.Text(bytes.UInt32())); break;
            case PickleOpcode.BinUnicode8: stack.Push(bytes.Text(bytes.UInt64())); break;
            case PickleOpcode.Unicode: stack.Push(bytes.Line()); break;
            case PickleOpcode.ShortBinString: stack.Push(bytes.Latin1(bytes.Byte())); break;
            case PickleOpcode.BinString: stack.Push(bytes.Latin1(bytes.Int32())); break;
            case PickleOpcode.String: stack.Push(bytes.Line().Trim('\'', '"')); break;
            case PickleOpcode.ShortBinBytes: SkipBytes(bytes.Byte()); break;
            case PickleOpcode.BinBytes: SkipBytes(bytes.UInt32()); break;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8: SkipBytes(bytes.UInt64()); break;
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
            case PickleOpcode.List: Push(PickleItemsKind.List, stack.PopMark()); break;
            case PickleOpcode.Tuple: Push(PickleItemsKind.Tuple, stack.PopMark()); break;
            case PickleOpcode.FrozenSet: Push(PickleItemsKind.Set, stack.PopMark()); break;
            case PickleOpcode.Tuple1: Push(PickleItemsKind.Tuple, stack.Pop(1)); break;
            case PickleOpcode.Tuple2: Push(PickleItemsKind.Tuple, stack.Pop(2)); break;
            case PickleOpcode.Tuple3: Push(PickleItemsKind.Tuple, stack.Pop(3)); break;
            case PickleOpcode.Append: AppendOne(stack.Pop()); break;
            case PickleOpcode.Appends or PickleOpcode.AddItems: Append(stack.PopMark()); break;
            case PickleOpcode.SetItem: SetItems(stack.Pop(2)); break;
            case PickleOpcode.SetItems: SetItems(stack.PopMark()); break;
            case PickleOpcode.Dict:
                var items = stack.PopMark();
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
            case PickleOpcode.Mark: stack.Mark(); break;
            case PickleOpcode.Pop: stack.Pop(); break;
            case PickleOpcode.PopMark: stack.PopMark(); break;
            case PickleOpcode.Dup: stack.Push(stack.Peek()); break;
            case PickleOpcode.Memoize: stack.Memoize(); break;
            case PickleOpcode.BinPut: stack.Put(bytes.Byte()); break;
            case PickleOpcode.LongBinPut: stack.Put(bytes.UInt32()); break;
            case PickleOpcode.Put: stack.Put(Index()); break;
            case PickleOpcode.BinGet: stack.Get(bytes.Byte()); break;
            case PickleOpcode.LongBinGet: stack.Get(bytes.UInt32()); break;
            case PickleOpcode.Get: stack.Get(Index()); break;
            case PickleOpcode.Frame: bytes.UInt64(); break; // Only a hint for buffered reading.
            case PickleOpcode.Proto: CheckProtocol(bytes.Byte()); break;
            default: return false;
        }

        return true;
    }

    private bool RunObject(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Global: PushGlobal(bytes.Line(), bytes.Line()); break;
            case PickleOpcode.StackGlobal: RunStackGlobal(); break;
            case PickleOpcode.Reduce or PickleOpcode.NewObj: RunCall(); break;
            case PickleOpcode.Build: RunBuild(); break;
            case PickleOpcode.BinPersId: PushStorage(TorchGlobals.Storage(stack.Pop())); break;
            case PickleOpcode.Inst: throw TorchGlobals.Refuse($"{bytes.Line()}.{bytes.Line()}");
            case PickleOpcode.Obj: throw TorchGlobals.Refuse(ClassName(stack.PopMark()));
            case PickleOpcode.NewObjEx: throw TorchGlobals.Refuse(ClassName(stack.Pop(3)));
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
        var name = stack.Pop<string>("a name");
        PushGlobal(stack.Pop<string>("a module's name"), name);
    }

    private void PushGlobal(string module, string name)
    {
        budget.Take(PickleBudget.Container + (2 * sizeof(char) * ((long)module.Length + name.Length)));
        stack.Push(TorchGlobals.Find(module, name));
    }

    private void RunCall()
    {
        var arguments = stack.Pop<PickleItems>("a tuple of arguments");
        budget.Take(2 * PickleBudget.Container); // whatever stands for the result: none is larger, and none copies its arguments
        var result = TorchGlobals.Call(stack.Pop<PickleGlobal>("a class or function"), arguments.Items);
        budget.Take(result is PickleTensor tensor ? sizeof(long) * (tensor.Shape.Count + tensor.Strides.Count) : 0);
        stack.Push(result);
    }

    /// <summary>
    /// Attributes: a Namespace takes them; a plain dictionary (a state_dict's _metadata), a tensor and an object of a class that is passed over do
    /// without; nobody else may have any.
    /// </summary>
    private void RunBuild()
    {
        var state = stack.Pop();
        if (stack.Peek() is PickleTensor or PickleOther or PickleDict { IsObject: true })
        {
            return;
        }

        var target = stack.Peek<PickleDict>("an object that may have attributes (dict or argparse.Namespace)");
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
        bytes.Skip(count);
        stack.Push(PickleOther.Bytes);
    }

    private void Push(PickleItemsKind kind, List<object?> items)
    {
        budget.Take(PickleBudget.Container);
        stack.Push(new PickleItems(kind, items));
    }

    private void PushDict()
    {
        budget.Take(PickleBudget.Container);
        stack.Push(new PickleDict("dict"));
    }

    private void PushStorage(PickleStorage storage)
    {
        budget.Take(PickleBudget.Entry);
        stack.Push(storage);
        if (storages is not null && !storages.TryAdd(storage.Key, storage) && storages[storage.Key] != storage)
        {
            throw new SpectralKDException($"its pickle describes the storage '{storage.Key}' in two ways");
        }
    }

    private void AppendOne(object? item)
    {
        if (stack.Peek() is PickleDict { IsObject: true } or PickleOther)
        {
            return;
        }

        var target = stack.Peek<PickleItems>("a list or set to add to").Items;
        budget.Take(target.Count == 0 ? PickleBudget.FirstSlots : PickleBudget.Slot);
        target.Add(item);
    }

    private void Append(List<object?> items)
    {
        if (stack.Peek() is PickleDict { IsObject: true } or PickleOther)
        {
            return; // a deque, a list of a class of its own: passed over
        }

        budget.Take(PickleBudget.Slot * (long)items.Count);
        stack.Peek<PickleItems>("a list or set to add to").Items.AddRange(items);
    }

    private void SetItems(List<object?> pairs)
    {
        if (pairs.Count % 2 != 0)
        {
            throw new SpectralKDException("its pickle gives a dictionary a key without a value");
        }

        if (stack.Peek() is PickleOther)
        {
            return;
        }

        var target = stack.Peek<PickleDict>("a dictionary to add to");
        for (var i = 0; i < pairs.Count; i += 2)
        {
            budget.Take(PickleBudget.Entry);
            target.Set(pairs[i], pairs[i + 1]);
        }
    }

    private long Index() => bytes.IntegerLine() is long index ? index : -1;

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
    private readonly List<object?> values = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<long, object?> memo = [];

    public void Push(object? value)
    {
        budget.Take(PickleBudget.Slot + (value is long or double or bool ? PickleBudget.Box : 0));
        values.Add(value);
    }

    public void Mark()
    {
        budget.Take(PickleBudget.Slot);
        marks.Add(values.Count);
    }

    /// <summary>Takes the uppermost value; values below the last mark are out of reach.</summary>
    public object? Pop()
    {
        var value = Peek();
        values.RemoveAt(values.Count - 1);
        return value;
    }

    public object? Peek()
    {
        var floor = marks.Count == 0 ? 0 : marks[^1];
        return values.Count > floor ? values[^1] : throw new SpectralKDException("its pickle takes a value from an empty stack");
    }

    public T Pop<T>(string what) => Pop() is T value ? value : throw new SpectralKDException($"its pickle has something else where {what} should be");

    public T Peek<T>(string what) => Peek() is T value ? value : throw new SpectralKDException($"its pickle has something else where {what} should be");

    /// <summary>Takes everything above the last mark, and the mark.</summary>
    public List<object?> PopMark()
    {
        if (marks.Count == 0)
        {
            throw new SpectralKDException("its pickle closes a group that it never opened");
        }

        var start = marks[^1];
        marks.RemoveAt(marks.Count - 1);
        budget.Take(PickleBudget.Container + (PickleBudget.Slot * (long)(values.Count - start)));
        var items = values.GetRange(start, values.Count - start);
        values.RemoveRange(start, values.Count - start);
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
        memo[index] = Peek();
    }

    public void Memoize() => Put(memo.Count);

    public void Get(long index) =>
        Push(memo.TryGetValue(index, out var value) ? value : throw new SpectralKDException($"its pickle recalls value {index}, which it never stored"));
}
