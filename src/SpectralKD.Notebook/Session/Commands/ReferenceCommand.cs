using SpectralKD.Notebook.Session.Cells;
using SpectralKD.Notebook.Session.Packages;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#r "path.dll"</c> and <c>#r "nuget: Name, Version"</c>.</summary>
internal sealed class ReferenceCommand : SessionCommand
{
    public override string Name => "#r";

    public override string Description => "uses an assembly or a package: #r \"path.dll\", #r \"nuget: Name, Version\"";

    public override async Task RunAsync(string rest, CellProgram program)
    {
        var targets = rest.Split('\n')
            .Select(line => Unquote(line.StartsWith(Name, StringComparison.Ordinal) ? line[Name.Length..] : line))
            .ToArray();
        var packages = targets.Select(PackageRequest.Parse).OfType<PackageRequest>().ToArray();
        foreach (var path in packages.Length == 0 ? targets : [])
        {
            program.Session.References.Add(program.FullPath(path), path, program);
        }

        await program.Session.Packages.UseAsync(packages, program).ConfigureAwait(false);
    }
}
