using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace SpectralKD.Notebook.Session;

/// <summary>Sequences in a form that the formatters know how to show.</summary>
internal static class Sequences
{
    private static readonly MethodInfo ElementsMethod = typeof(Sequences).GetMethod(nameof(Elements), BindingFlags.Static | BindingFlags.NonPublic)!;

    /// <summary>
    /// What a query or a <c>yield return</c> gives is shown by its elements, each of which is asked for once however many MIME types they
    /// are shown in. An array of tuples, of which the formatters would show the properties, is shown as a list; all else as it is.
    /// </summary>
    public static object? Plain(object? value)
        => value?.GetType() is not { } type ? null
            : IsOfTuples(type) ? Activator.CreateInstance(typeof(List<>).MakeGenericType(type.GetElementType()!), value)
            : IsLazy(type) && type.GetInterface("IEnumerable`1") is { } sequence
            ? ElementsMethod.MakeGenericMethod(sequence.GetGenericArguments()).Invoke(null, [value])
            : value;

    /// <summary>An array of several dimensions as arrays of arrays: a matrix by its rows.</summary>
    public static Array Rows(Array array) => Part(array, new int[array.Rank], 0);

    private static Array Part(Array array, int[] index, int dimension)
    {
        var element = array.GetType().GetElementType()!;
        for (var i = dimension + 1; i < array.Rank; i++)
        {
            element = element.MakeArrayType();
        }

        var part = Array.CreateInstance(element, array.GetLength(dimension));
        for (var i = 0; i < part.Length; i++)
        {
            index[dimension] = array.GetLowerBound(dimension) + i;
            part.SetValue(dimension == array.Rank - 1 ? array.GetValue(index) : Part(array, index, dimension + 1), i);
        }

        return part;
    }

    private static bool IsLazy(Type type)
        => type.Name.StartsWith('<') || (type.Assembly == typeof(Enumerable).Assembly && type.Name.Contains("Iterator", StringComparison.Ordinal));

    private static bool IsOfTuples(Type type) => type.IsSZArray && typeof(ITuple).IsAssignableFrom(type.GetElementType());

    // The formatters know sequences of Linq.
    private static IEnumerable<T> Elements<T>(IEnumerable<T> sequence)
        => Remembered(sequence.GetEnumerator(), [], new StrongBox<ExceptionDispatchInfo?>()).Select(element => element);

    private static IEnumerable<T> Remembered<T>(IEnumerator<T> elements, List<T> known, StrongBox<ExceptionDispatchInfo?> failed)
    {
        for (var i = 0; i < known.Count || MoveNext(elements, known, failed); i++)
        {
            yield return known[i];
        }
    }

    private static bool MoveNext<T>(IEnumerator<T> elements, List<T> known, StrongBox<ExceptionDispatchInfo?> failed)
    {
        failed.Value?.Throw();
        try
        {
            if (!elements.MoveNext())
            {
                return false;
            }

            known.Add(elements.Current);
            return true;
        }
        catch (Exception error)
        {
            failed.Value = ExceptionDispatchInfo.Capture(error);
            throw;
        }
    }
}
