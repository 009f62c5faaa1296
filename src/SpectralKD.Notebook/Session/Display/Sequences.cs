using System.Reflection;

namespace SpectralKD.Notebook.Session.Display;

/// <summary>Sequences in a form that the formatters know how to show.</summary>
internal static class Sequences
{
    private static readonly MethodInfo s_elements = typeof(Sequences).GetMethod(nameof(Elements), BindingFlags.Static | BindingFlags.NonPublic)!;

    /// <summary>What a <c>yield return</c> gives is shown by its elements, as the product of a query is; all else as it is.</summary>
    public static object? Plain(object? value)
        => value is not null && value.GetType().Name.StartsWith('<')
            && value.GetType().GetInterface("IEnumerable`1") is { } sequence
            ? s_elements.MakeGenericMethod(sequence.GetGenericArguments()).Invoke(null, [value])
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

    private static IEnumerable<T> Elements<T>(IEnumerable<T> sequence) => sequence.Select(element => element);
}
