using System.Reflection;
using Microsoft.CodeAnalysis;
using SpectralKD.Notebook.Session.Compiling;

namespace SpectralKD.Notebook.Session.Errors;

/// <summary>Knows where the public types of the framework and the host are, for names that a cell does not see.</summary>
internal static class MissingUsings
{
    private const int MostNamespaces = 3;
    private static readonly Lazy<ILookup<string, string>> s_namespaces = new(FindTypes);

    /// <summary>What to add for a type that the cell names; nothing where there is no such type.</summary>
    public static string Advice(string name)
    {
        if (name is "Tensor" or "nn" or "optim")
        {
            return ". Missing: using static TorchSharp.torch;";
        }

        var found = s_namespaces.Value[name].Distinct().OrderByDescending(IsFrameworks).ThenBy(found => found.Length).Take(MostNamespaces)
            .Select(found => $"using {found};").ToArray();
        return found.Length == 0 ? "" : $". Missing: {string.Join(" or ", found)}";
    }

    private static bool IsFrameworks(string name) => name.StartsWith("System", StringComparison.Ordinal);

    private static ILookup<string, string> FindTypes()
        => HostReferences.Common.Concat(HostReferences.Others).OfType<PortableExecutableReference>().SelectMany(TypesOf)
            .ToLookup(type => type.Name, type => type.Namespace);

    private static List<(string Name, string Namespace)> TypesOf(PortableExecutableReference reference)
    {
        var reader = HostReferences.ReaderOf(reference);
        return
        [
            .. reader.TypeDefinitions.Select(reader.GetTypeDefinition)
                .Where(type => (type.Attributes & TypeAttributes.VisibilityMask) == TypeAttributes.Public && !type.Namespace.IsNil)
                .Select(type => (reader.GetString(type.Name).Split('`')[0], reader.GetString(type.Namespace)))
                .Where(type => !type.Item2.Contains("Internal", StringComparison.Ordinal)),
        ];
    }
}
