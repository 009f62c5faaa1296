using System.Globalization;
using System.Text;

namespace SpectralKD.Notebook.Running;

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
