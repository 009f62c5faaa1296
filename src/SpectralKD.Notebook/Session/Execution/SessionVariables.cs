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
