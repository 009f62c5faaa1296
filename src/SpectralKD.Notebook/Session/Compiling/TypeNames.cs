using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Session;

/// <summary>Spells types in C#.</summary>
internal static partial class TypeNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(char)] = "char",
        [typeof(decimal)] = "decimal",
        [typeof(double)] = "double",
        [typeof(float)] = "float",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(object)] = "object",
        [typeof(short)] = "short",
        [typeof(string)] = "string",
        [typeof(uint)] = "uint",
        [typeof(ulong)] = "ulong",
        [typeof(ushort)] = "ushort",
        [typeof(sbyte)] = "sbyte",
    };

    /// <summary>The type itself where C# code elsewhere can name it, otherwise the nearest base type that it can.</summary>
    public static Type Nameable(Type type)
    {
        var current = type;
        while (!IsNameable(current))
        {
            current = current.BaseType ?? typeof(object);
        }

        return current;
    }

    /// <summary>For example <c>global::System.Collections.Generic.List&lt;global::System.Int32[]&gt;</c>.</summary>
    public static string InCSharp(Type type)
    {
        if (type.IsArray)
        {
            return ArrayInCSharp(type);
        }

        return (type.IsNested ? InCSharp(type.DeclaringType!, type.GetGenericArguments()) + "." : NamespaceOf(type))
            + OwnName(type, type.GetGenericArguments());
    }

    /// <summary>As one would say it: <c>List&lt;int&gt;</c>.</summary>
    public static string Short(Type type)
    {
        if (type.IsArray)
        {
            return Short(type.GetElementType()!) + "[" + new string(',', type.GetArrayRank() - 1) + "]";
        }

        var name = type.Name.Split('`')[0];
        var arguments = type.GetGenericArguments();
        var isGeneric = type.Name.Contains('`', StringComparison.Ordinal);
        return Keywords.GetValueOrDefault(type) ?? (isGeneric ? $"{name}<{string.Join(", ", arguments.Select(Short))}>" : name);
    }

    private static string InCSharp(Type declaring, Type[] arguments)
        => (declaring.IsNested ? InCSharp(declaring.DeclaringType!, arguments) + "." : NamespaceOf(declaring)) + OwnName(declaring, arguments);

    /// <summary>C# writes the outer rank first: <c>int[][,]</c> is an array of <c>int[,]</c>.</summary>
    private static string ArrayInCSharp(Type type)
    {
        var ranks = "";
        var element = type;
        while (element.IsArray)
        {
            ranks += "[" + new string(',', element.GetArrayRank() - 1) + "]";
            element = element.GetElementType()!;
        }

        return InCSharp(element) + ranks;
    }

    private static string NamespaceOf(Type type) => type.Namespace is { Length: > 0 } name ? $"global::{name}." : "global::";

    private static string OwnName(Type type, Type[] arguments)
    {
        var tick = type.Name.IndexOf('`', StringComparison.Ordinal);
        if (tick < 0)
        {
            return "@" + type.Name;
        }

        var outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        var own = arguments[outer..type.GetGenericArguments().Length];
        return $"@{type.Name[..tick]}<{string.Join(", ", own.Select(InCSharp))}>";
    }

    private static bool IsNameable(Type type)
        => type.IsVisible && !type.IsPointer && !type.IsByRef && !type.IsByRefLike && !type.IsFunctionPointer && !IsOfCell(type)
            && !(type.HasElementType && !IsNameable(type.GetElementType()!)) && type.GetGenericArguments().All(IsNameable);

    /// <summary>Types that cells declare live inside their submission, which has no name in C#.</summary>
    public static bool IsOfCell(Type type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type.Name.StartsWith("Submission#", StringComparison.Ordinal);
    }

    /// <summary>A type that a cell declares goes by its own name; the runtime puts the submission's before it.</summary>
    public static string WithoutSubmission(string text)
        => text.Contains("Submission#", StringComparison.Ordinal) ? SubmissionName().Replace(text, "") : text;

    [GeneratedRegex(@"Submission#0[+.](?=[\w<])")]
    private static partial Regex SubmissionName();
}
