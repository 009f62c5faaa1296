namespace SpectralKD.Weights.Pickle;

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
