using System.Text.RegularExpressions;

namespace SpectralKD.Interactive.Charting;

/// <summary>Runs of one method with several seeds, recognised by their names.</summary>
internal static partial class RunGroups
{
    /// <summary>Which group a run belongs to, in order of appearance, and which of its members it is.</summary>
    internal static (int Group, int Member) Look(IReadOnlyList<RunLog> runs, int index)
    {
        var names = runs.Select(run => Seed().Replace(run.Name, "")).ToList();
        return (names.Distinct().ToList().IndexOf(names[index]), names.Take(index).Count(name => name == names[index]));
    }

    [GeneratedRegex(@"[\s,_-]*seed[\s_-]*\d+$", RegexOptions.IgnoreCase)]
    private static partial Regex Seed();
}
