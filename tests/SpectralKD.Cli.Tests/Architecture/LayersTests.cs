using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests.Architecture;

/// <summary>The picture in CONTRIBUTING ("Where things are"): a folder uses what stands above it there, and nothing below.</summary>
public sealed class LayersTests
{
    /// <summary>The projects with their rooms, those that others use first.</summary>
    private static readonly (string Project, string[] Rooms)[] _picture =
    [
        ("SpectralKD", ["", "Native", "Models", "Data", "Weights", "Spectra", "Distillation"]),
        ("SpectralKD.Interactive", ["Charts", "Views", "", "Magic"]),
        ("SpectralKD.Notebook", [
            "", "Documents",
            "Session/Compiling", "Session/Output", "Session/Execution", "Session/Errors", "Session/Display", "Session/Scripting", "Session/Packages", "Session/Editing", "Session",
            "Runner", "Jupyter",
        ]),
        ("SpectralKD.DotNetInteractive", [""]),
        ("SpectralKD.Cli", [""]),
    ];

    private static readonly Lazy<FolderUses> _uses = new(() => new FolderUses(SharedData.RepositoryRoot, [.. _picture.Select(project => project.Project)]));

    private static readonly string[] _order = [.. _picture.SelectMany(project => project.Rooms.Select(room => Name(project.Project, room)))];

    [Fact]
    public void No_arrow_goes_upwards()
    {
        var arrows = _uses.Value.Arrows.Select(arrow => (From: Room(arrow.Key.From), To: Room(arrow.Key.To), Types: arrow.Value)).ToList();

        Assert.Empty(arrows.SelectMany(arrow => new[] { arrow.From, arrow.To }).Distinct().Except(_order));
        Assert.True(arrows.Count > 100, "the sources were not read");
        Assert.Empty(arrows.Where(arrow => Array.IndexOf(_order, arrow.To) > Array.IndexOf(_order, arrow.From))
            .Select(arrow => $"{arrow.From} uses {arrow.To}: {string.Join(", ", arrow.Types.Take(5))}"));
    }

    [Fact]
    public void No_folders_use_each_other_in_a_circle()
    {
        var next = _uses.Value.Arrows.Keys.ToLookup(arrow => arrow.From, arrow => arrow.To);
        Assert.All(next.Select(group => group.Key), folder => Assert.DoesNotContain(folder, Reachable(folder, next)));
    }

    /// <summary>A thread that is no background thread keeps a program from ending: the command, the kernel, a test.</summary>
    [Fact]
    public void No_thread_of_ours_keeps_a_program_from_ending()
    {
        var source = Path.Combine(SharedData.RepositoryRoot, "src");
        var starts = Directory.GetFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(folder => folder is "obj" or "bin"))
            .SelectMany(path => File.ReadLines(path).Where(line => line.Contains("new Thread(", StringComparison.Ordinal)).Select(line => $"{Path.GetFileName(path)}: {line.Trim()}")).ToList();
        Assert.NotEmpty(starts);
        Assert.All(starts, start => Assert.Contains("IsBackground = true", start, StringComparison.Ordinal));
    }

    private static HashSet<string> Reachable(string folder, ILookup<string, string> next)
    {
        var found = new HashSet<string>();
        var open = new Stack<string>(next[folder]);
        while (open.TryPop(out var at))
        {
            if (found.Add(at))
            {
                foreach (var beyond in next[at])
                {
                    open.Push(beyond);
                }
            }
        }

        return found;
    }

    private static string Name(string project, string room) => room.Length == 0 ? project : $"{project}/{room}";

    /// <summary>The project and its top folder; a folder of its own where the picture has it.</summary>
    private static string Room(string folder) => _order.Contains(folder) ? folder : string.Join('/', folder.Split('/').Take(2));
}
