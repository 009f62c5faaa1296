using SpectralKD.Notebook.Documents;

namespace SpectralKD.Notebook.Running;

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
