using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Packages;

/// <summary>Joins package lines that follow each other, so that they are restored together: faster, and their versions agree.</summary>
internal static class PackageParts
{
    /// <summary>The parts of a cell with each run of <c>#r "nuget: …"</c> lines as one part.</summary>
    public static IEnumerable<CellPart> Gather(IEnumerable<CellPart> parts)
    {
        CellPart? packages = null;
        foreach (var part in parts)
        {
            if (IsPackage(part))
            {
                packages = packages is null ? part : packages with { Text = packages.Text + "\n" + part.Text };
                continue;
            }

            if (packages is not null)
            {
                yield return packages;
                packages = null;
            }

            yield return part;
        }

        if (packages is not null)
        {
            yield return packages;
        }
    }

    private static bool IsPackage(CellPart part)
        => part.IsMagic && part.Text.StartsWith("#r", StringComparison.Ordinal)
            && part.Text[2..].TrimStart(' ', '\t', '"').StartsWith("nuget:", StringComparison.OrdinalIgnoreCase);
}
