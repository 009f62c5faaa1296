using Microsoft.DotNet.Interactive;
using SpectralKD.Notebook.Documents;
using SpectralKD.Notebook.Session.Commands;

namespace SpectralKD.Notebook.Running;

/// <summary>
/// The variables that a notebook's cells ask the reader for: <c>#!set --name token --value @password:"Token"</c>. A parameter of that name is the answer; it is not
/// set in a cell, and one that answers for a password stands nowhere in the executed notebook.
/// </summary>
internal static class AskedParameters
{
    /// <summary>Name to whether it is a password.</summary>
    public static IReadOnlyDictionary<string, bool> In(NotebookDocument notebook) => notebook.Cells.Where(cell => cell.Kind == CellKind.Code)
        .SelectMany(cell => cell.Source.Split('\n')).Select(line => line.Trim())
        .Where(line => line.StartsWith(SetCommand.Word + " ", StringComparison.Ordinal) || line.StartsWith("#!value ", StringComparison.Ordinal))
        .Select(CommandOptions.Asked).OfType<(string Name, bool IsPassword)>()
        .GroupBy(asked => asked.Name).ToDictionary(group => group.Key, group => group.Any(asked => asked.IsPassword), StringComparer.Ordinal);

    /// <summary>The parameters as they may be written down.</summary>
    public static IReadOnlyList<NotebookParameter> Masked(IReadOnlyList<NotebookParameter> parameters, IReadOnlyDictionary<string, bool> asked)
        => [.. parameters.Select(parameter => asked.GetValueOrDefault(parameter.Name) ? parameter with { Text = PasswordString.Mask, IsRaw = true } : parameter)];
}
