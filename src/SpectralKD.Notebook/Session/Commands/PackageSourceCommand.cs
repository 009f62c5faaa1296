using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#i "nuget:source"</c>.</summary>
internal sealed class PackageSourceCommand : SessionCommand
{
    private const string Prefix = "nuget:";

    public override string Name => "#i";

    public override string Description => "adds a source of packages: #i \"nuget:https://…\" or a folder";

    public override Task RunAsync(string rest, CellProgram program)
    {
        var target = Unquote(rest);
        if (!target.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || target.Length == Prefix.Length)
        {
            throw new SpectralKDException(
                $"#i takes \"nuget:\" and a source, for example #i \"nuget:https://example.org/v3/index.json\"; found \"{target}\"");
        }

        var source = target[Prefix.Length..].Trim();
        program.Session.Packages.AddSource(source.Contains("://", StringComparison.Ordinal) ? source : program.FullPath(source));
        return Task.CompletedTask;
    }
}
