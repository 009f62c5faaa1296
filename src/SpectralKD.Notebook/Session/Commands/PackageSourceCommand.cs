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
        var isAddress = source.Contains("://", StringComparison.Ordinal);
        program.Session.Packages.AddSource(
            isAddress ? source
            : Directory.Exists(program.FullPath(source)) ? program.FullPath(source)
            : throw new SpectralKDException($"#i \"nuget:{source}\": there is no folder {program.FullPath(source)}; give a folder of packages or an address"));
        return Task.CompletedTask;
    }
}
