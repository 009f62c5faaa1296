using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SpectralKD.Cli.Tests.Architecture;

/// <summary>Which folder of <c>src</c> uses a type of which other: read from the sources by the compiler, without documentation comments.</summary>
internal sealed class FolderUses
{
    private readonly Dictionary<(string From, string To), SortedSet<string>> _uses = [];

    /// <summary>Reads all projects, those that others use first.</summary>
    /// <param name="root">The repository.</param>
    /// <param name="projects">Names of the projects below <c>src</c>, in order of their references.</param>
    public FolderUses(string root, IReadOnlyList<string> projects)
    {
        var libraries = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Concat(Directory.GetFiles(AppContext.BaseDirectory, "*.dll")).DistinctBy(Path.GetFileName)
            .Where(path => !Path.GetFileName(path).StartsWith("SpectralKD", StringComparison.Ordinal) && IsManaged(path))
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path)).ToList();
        var names = new Dictionary<SyntaxTree, string>();
        foreach (var project in projects)
        {
            var folder = Path.Combine(root, "src", project);
            var trees = Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories).Where(path => !IsOutput(folder, path))
                .Select(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), path: path)).ToList();
            foreach (var tree in trees)
            {
                names[tree] = FolderOf(folder, project, tree.FilePath);
            }

            var visible = trees.Prepend(CSharpSyntaxTree.ParseText(GlobalUsings(folder, project))).Append(
                CSharpSyntaxTree.ParseText(string.Concat(projects.Select(other => $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"{other}\")]\n"))));
            var compilation = CSharpCompilation.Create(project, visible, libraries, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));
            foreach (var tree in trees)
            {
                Read(tree, compilation.GetSemanticModel(tree), names);
            }

            libraries.Add(compilation.ToMetadataReference());
        }
    }

    /// <summary>The arrows between folders; each with a few of the types that it stands for.</summary>
    public IReadOnlyDictionary<(string From, string To), SortedSet<string>> Arrows => _uses;

    private void Read(SyntaxTree tree, SemanticModel model, Dictionary<SyntaxTree, string> names)
    {
        var from = names[tree];
        foreach (var name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
        {
            var symbol = model.GetSymbolInfo(name).Symbol;
            var type = symbol as INamedTypeSymbol ?? symbol?.ContainingType;
            var declared = type?.OriginalDefinition.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree;
            if (declared is not null && names.TryGetValue(declared, out var to) && to != from)
            {
                if (!_uses.TryGetValue((from, to), out var types))
                {
                    _uses[(from, to)] = types = [];
                }

                types.Add($"{Path.GetFileNameWithoutExtension(tree.FilePath)} -> {type!.Name}");
            }
        }
    }

    private static string FolderOf(string folder, string project, string path)
    {
        var parts = Path.GetRelativePath(folder, path).Split(Path.DirectorySeparatorChar);
        return string.Join('/', parts[..^1].Prepend(project));
    }

    private static bool IsOutput(string folder, string path) =>
        Path.GetRelativePath(folder, path).Split(Path.DirectorySeparatorChar)[0] is "bin" or "obj";

    private static bool IsManaged(string path)
    {
        try
        {
            return System.Reflection.AssemblyName.GetAssemblyName(path) is not null;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }

    private static string GlobalUsings(string folder, string project)
    {
        var own = XDocument.Load(Path.Combine(folder, project + ".csproj")).Descendants("Using")
            .Select(use => $"global using {((string?)use.Attribute("Static") == "true" ? "static " : "")}{(string?)use.Attribute("Include")};");
        string[] implied = ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Threading", "System.Threading.Tasks"];
        return string.Join('\n', implied.Select(use => $"global using {use};").Concat(own));
    }
}
