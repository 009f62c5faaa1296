using System.Globalization;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Notebook.Runner;

/// <summary>A value for one of a notebook's parameters.</summary>
/// <param name="Name">A C# identifier.</param>
/// <param name="Text">The value as the user wrote it.</param>
/// <param name="IsRaw">True: always a string, whatever it looks like (papermill's <c>-r</c>).</param>
internal sealed record NotebookParameter(string Name, string Text, bool IsRaw = false)
{
    /// <summary>
    /// The value typed as papermill types it: <c>True</c>/<c>False</c> (any case) bool, <c>None</c> null, then int, long, double, else string.
    /// </summary>
    public object? Value => IsRaw ? Text : Text switch
    {
        _ when Text.Equals("true", StringComparison.OrdinalIgnoreCase) => true,
        _ when Text.Equals("false", StringComparison.OrdinalIgnoreCase) => false,
        "None" or "null" => null,
        _ when int.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ when long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ when double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
        _ => Text,
    };

    /// <summary>Reads <c>name=value</c>; the value may be empty and may hold more equals signs.</summary>
    /// <param name="assignment">The text, for instance <c>model=deit_tiny_patch16_224</c>.</param>
    /// <exception cref="SpectralKDException">There is no equals sign, or the name is no C# identifier.</exception>
    public static NotebookParameter Parse(string assignment)
    {
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            throw new SpectralKDException($"--parameter {assignment}: a name=value pair is needed, for instance {assignment}=5");
        }
        var name = assignment[..equals].Trim();
        CSharpLiteral.RequireIdentifier(name);
        return new NotebookParameter(name, assignment[(equals + 1)..]);
    }
}

/// <summary>The variables that a cell tagged <c>parameters</c> declares, with the type that each keeps when its value is replaced.</summary>
internal static class DeclaredParameters
{
    private static readonly CSharpParseOptions Script = new(kind: SourceCodeKind.Script);

    /// <summary>Name to C# type in source form; <c>var</c> where neither the declaration nor its literal tells.</summary>
    public static IReadOnlyDictionary<string, string> In(string source)
    {
        var declared = new Dictionary<string, string>(StringComparer.Ordinal);
        if (NestedCode.IsTooDeep(source))
        {
            return declared;
        }
        var root = CSharpSyntaxTree.ParseText(source, Script).GetCompilationUnitRoot();
        foreach (var declaration in root.Members.SelectMany(Declarations))
        {
            foreach (var variable in declaration.Variables)
            {
                declared[variable.Identifier.ValueText] = TypeOf(declaration, variable);
            }
        }
        return declared;
    }

    private static IEnumerable<VariableDeclarationSyntax> Declarations(MemberDeclarationSyntax member) => member switch
    {
        FieldDeclarationSyntax field => [field.Declaration],
        GlobalStatementSyntax { Statement: LocalDeclarationStatementSyntax local } => [local.Declaration],
        _ => [],
    };

    private static string TypeOf(VariableDeclarationSyntax declaration, VariableDeclaratorSyntax variable)
        => declaration.Type.IsVar ? LiteralType(variable.Initializer?.Value) : declaration.Type.ToString();

    private static string LiteralType(ExpressionSyntax? value) => value switch
    {
        PrefixUnaryExpressionSyntax sign => LiteralType(sign.Operand),
        InterpolatedStringExpressionSyntax => "string",
        LiteralExpressionSyntax literal => literal.Token.Value switch
        {
            bool => "bool",
            string => "string",
            int => "int",
            long => "long",
            float => "float",
            double => "double",
            decimal => "decimal",
            _ => "var",
        },
        _ => "var",
    };
}

/// <summary>
/// The variables that a notebook's cells ask the reader for: <c>#!set --name token --value @password:"Token"</c>. A parameter of that name is the answer; it is not
/// set in a cell, and one that answers for a password stands nowhere in the executed notebook.
/// </summary>
internal static class AskedParameters
{
    /// <summary>Name to whether it is a password.</summary>
    public static IReadOnlyDictionary<string, bool> In(NotebookDocument notebook) => notebook.Cells.Where(cell => cell.Kind == CellKind.Code)
        .SelectMany(cell => cell.Source.Split('\n')).Select(line => line.Trim())
        .Where(line => line.StartsWith("#!set ", StringComparison.Ordinal) || line.StartsWith("#!value ", StringComparison.Ordinal))
        .Select(SessionCommands.Asked).OfType<(string Name, bool IsPassword)>()
        .GroupBy(asked => asked.Name).ToDictionary(group => group.Key, group => group.Any(asked => asked.IsPassword), StringComparer.Ordinal);

    /// <summary>The parameters as they may be written down.</summary>
    public static IReadOnlyList<NotebookParameter> Masked(IReadOnlyList<NotebookParameter> parameters, IReadOnlyDictionary<string, bool> asked)
        => [.. parameters.Select(parameter => asked.GetValueOrDefault(parameter.Name) ? parameter with { Text = HiddenTexts.Stars, IsRaw = true } : parameter)];
}

/// <summary>Writes the C# of the cell that papermill's convention injects.</summary>
internal static class ParameterCell
{
    public static string Source(IReadOnlyList<NotebookParameter> parameters, IReadOnlyDictionary<string, string> declared)
    {
        var source = new StringBuilder("// Parameters");
        foreach (var parameter in parameters)
        {
            var type = declared.GetValueOrDefault(parameter.Name, "var");
            source.Append(CultureInfo.InvariantCulture, $"\n{Declaration(parameter, type)};");
        }
        return source.ToString();
    }

    // The declared type wins over papermill's guess: with `double rate = 0.1`, rate=1 must not become an int that divides as one.
    private static string Declaration(NotebookParameter parameter, string type) => type.TrimEnd('?') switch
    {
        "string" or "String" => $"{type} {parameter.Name} = {Text(parameter, type)}",
        "int" or "long" or "short" or "byte" or "uint" or "ulong" => $"{type} {parameter.Name} = {Whole(parameter, type)}",
        "double" or "float" or "decimal" => $"{type} {parameter.Name} = {Real(parameter, type)}",
        "bool" => $"{type} {parameter.Name} = {Flag(parameter, type)}",
        _ => Untyped(parameter),
    };

    private static string Text(NotebookParameter parameter, string type)
        => CSharpLiteral.Of(parameter is { IsRaw: false, Text: "None" } && type.EndsWith('?') ? null : parameter.Text);

    private static string Whole(NotebookParameter parameter, string type) => parameter.Value switch
    {
        int or long => parameter.Text.Trim().TrimStart('+'),
        null when type.EndsWith('?') => "null",
        _ => throw Unfit(parameter, type, "a whole number"),
    };

    private static string Real(NotebookParameter parameter, string type) => parameter.Value switch
    {
        int or long or double => parameter.Text.Trim().TrimStart('+').TrimEnd('.') + type.TrimEnd('?') switch { "float" => "f", "decimal" => "m", _ => "d" },
        null when type.EndsWith('?') => "null",
        _ => throw Unfit(parameter, type, "a number"),
    };

    private static string Flag(NotebookParameter parameter, string type) => parameter.Value switch
    {
        bool flag => CSharpLiteral.Of(flag),
        null when type.EndsWith('?') => "null",
        _ => throw Unfit(parameter, type, "true or false"),
    };

    private static string Untyped(NotebookParameter parameter) => parameter.Value is null
        ? $"object {parameter.Name} = null"
        : $"var {parameter.Name} = {CSharpLiteral.Of(parameter.Value)}";

    private static SpectralKDException Unfit(NotebookParameter parameter, string type, string needed)
        => new($"--parameter {parameter.Name}={parameter.Text}: the notebook declares {parameter.Name} as {type}, {needed} is needed");
}

/// <summary>
/// Papermill's convention (https://papermill.readthedocs.io/en/latest/usage-parameterize.html): values go into a cell tagged
/// <c>injected-parameters</c> right after the one tagged <c>parameters</c>, replacing that of an earlier run.
/// </summary>
internal static class ParameterInjection
{
    public const string DeclaringTag = "parameters";
    public const string InjectedTag = "injected-parameters";

    /// <summary>Changes the notebook; returns what the user should know.</summary>
    public static IReadOnlyList<string> Apply(NotebookDocument notebook, IReadOnlyList<NotebookParameter> given)
    {
        var asked = AskedParameters.In(notebook);
        IReadOnlyList<NotebookParameter> parameters = [.. given.Where(parameter => !asked.ContainsKey(parameter.Name))];
        if (parameters.Count == 0)
        {
            return [];
        }
        var warnings = new List<string>();
        var declaring = Tagged(notebook, DeclaringTag);
        var declared = declaring is null ? new Dictionary<string, string>() : DeclaredParameters.In(declaring.Source);
        Warn(warnings, notebook, declaring, declared, parameters);
        Place(notebook, NotebookCell.Code(ParameterCell.Source(Last(parameters), declared), InjectedTag), declaring);
        return warnings;
    }

    // The last value of a name given twice wins, as in papermill.
    private static List<NotebookParameter> Last(IReadOnlyList<NotebookParameter> parameters)
        => [.. parameters.GroupBy(parameter => parameter.Name).Select(group => group.Last())];

    private static void Warn(
        List<string> warnings,
        NotebookDocument notebook,
        NotebookCell? declaring,
        IReadOnlyDictionary<string, string> declared,
        IReadOnlyList<NotebookParameter> parameters)
    {
        if (declaring is null)
        {
            warnings.Add($"{notebook.Path ?? "the notebook"} has no cell tagged \"{DeclaringTag}\": the values are set in a new first cell");
            return;
        }
        foreach (var name in parameters.Select(parameter => parameter.Name).Distinct().Where(name => !declared.ContainsKey(name)))
        {
            warnings.Add($"the notebook declares no parameter {name}; it declares {(declared.Count == 0 ? "none" : string.Join(", ", declared.Keys))}");
        }
    }

    private static void Place(NotebookDocument notebook, NotebookCell injected, NotebookCell? declaring)
    {
        var earlier = Tagged(notebook, InjectedTag);
        var index = earlier is not null ? IndexOf(notebook, earlier) : declaring is not null ? IndexOf(notebook, declaring) + 1 : 0;
        if (earlier is not null)
        {
            notebook.Remove(earlier);
        }
        notebook.Insert(index, injected);
    }

    private static NotebookCell? Tagged(NotebookDocument notebook, string tag)
        => notebook.Cells.FirstOrDefault(cell => cell.Kind == CellKind.Code && cell.Tags.Contains(tag));

    private static int IndexOf(NotebookDocument notebook, NotebookCell cell) => notebook.Cells.ToList().IndexOf(cell);
}

/// <summary>C# source for parameter names and values.</summary>
internal static class CSharpLiteral
{
    public static void RequireIdentifier(string name)
    {
        if (!SyntaxFacts.IsValidIdentifier(name) || SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None)
        {
            throw new SpectralKDException($"--parameter \"{name}\": a parameter's name must be a C# identifier (letters, digits, _)");
        }
    }

    public static string Of(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string text => SymbolDisplay.FormatLiteral(text, quote: true),
        int number => number.ToString(CultureInfo.InvariantCulture),
        long number => number.ToString(CultureInfo.InvariantCulture) + "L",
        double number => Double(number),
        _ => throw new ArgumentException($"no literal for a {value.GetType().Name}", nameof(value)),
    };

    private static string Double(double number)
    {
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny('.', 'E', 'e') ? text : text + ".0";
    }
}
