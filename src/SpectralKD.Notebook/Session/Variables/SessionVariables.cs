using System.Reflection;

namespace SpectralKD.Notebook.Session;

/// <summary>A variable of the notebook.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its declared type.</param>
/// <param name="Field">The field that holds it.</param>
/// <param name="Submission">The object that has the field.</param>
internal sealed record SessionVariable(string Name, Type Type, FieldInfo Field, object Submission)
{
    /// <summary>What it holds.</summary>
    public object? Value => Field.GetValue(Field.IsStatic ? null : Submission);
}

/// <summary>The variables that cells and magic commands have defined.</summary>
internal sealed class SessionVariables(SubmissionChain submissions, CellCompiler compiler)
{
    /// <summary>The newest definition of each name, newest first.</summary>
    public IReadOnlyList<SessionVariable> All
        => [.. submissions.NewestFirst
            .SelectMany(submission => SubmissionChain.Variables(submission)
                .Select(info => new SessionVariable(info.Name, info.FieldType, info, submission)))
            .DistinctBy(variable => variable.Name)];

    /// <summary>Reads a variable.</summary>
    public bool TryGet(string name, out object? value)
    {
        var found = All.FirstOrDefault(variable => variable.Name == name);
        value = found?.Value;
        return found is not null;
    }

    /// <summary>Sets a variable, or defines it anew where its type is another.</summary>
    public async Task SetAsync(string name, object? value, Type declaredType, CellExecution run)
    {
        var type = IsNewestOfItsName(declaredType) ? declaredType : TypeNames.Nameable(declaredType);
        var known = All.FirstOrDefault(variable => variable.Name == name);
        if (known is null || known.Type != type || known.Field.IsInitOnly)
        {
            if (!Microsoft.CodeAnalysis.CSharp.SyntaxFacts.IsValidIdentifier(name))
            {
                throw new SpectralKDException(
                    $"'{name}' cannot be the name of a C# variable: use letters, digits and _, beginning with a letter");
            }

            var typeName = TypeNames.IsOfCell(type) ? "@" + type.Name : TypeNames.InCSharp(type);
            var compiled = compiler.Compile($"{typeName} @{name};", "variable", run.Token);
            await submissions.RunAsync(compiled, run).ConfigureAwait(false);
            known = All.First(variable => variable.Name == name);
        }

        known.Field.SetValue(known.Submission, value);
    }

    /// <summary>True for a type that a cell declares, and that no later cell hides: its plain name means it.</summary>
    private bool IsNewestOfItsName(Type type)
        => TypeNames.IsOfCell(type) && type.IsNestedPublic && !type.IsGenericType
            && submissions.NewestFirst.Select(state => state.GetType().GetNestedType(type.Name)).OfType<Type>().FirstOrDefault() == type;
}

/// <summary>Spells types in C#.</summary>
internal static class TypeNames
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
}
