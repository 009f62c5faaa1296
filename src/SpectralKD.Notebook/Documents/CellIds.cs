using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SpectralKD.Notebook.Documents;

/// <summary>Cell ids as nbformat 4.5 asks for them.</summary>
internal static partial class CellIds
{
    public static string Fresh() => Guid.NewGuid().ToString("N")[..8];

    /// <summary>
    /// Gives an id to every cell that lacks a valid, unique one. It follows from the cell's text and place, so that reading an old
    /// notebook twice gives the same ids.
    /// </summary>
    public static void Complete(JsonArray cells)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var without = new List<int>();
        for (var index = 0; index < cells.Count; index++)
        {
            if (!IsValid(cells[index]!["id"]) || !taken.Add(cells[index]!["id"]!.GetValue<string>()))
            {
                without.Add(index);
            }
        }
        foreach (var index in without)
        {
            ((JsonObject)cells[index]!).SetSorted("id", Derive(index, MultilineText.Join(cells[index]!["source"]), taken));
        }
    }

    private static bool IsValid(JsonNode? id) => id?.GetValueKind() == JsonValueKind.String && ValidId().IsMatch(id.GetValue<string>());

    private static string Derive(int index, string source, HashSet<string> taken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{index}/{attempt}/{source}"));
            var id = Convert.ToHexStringLower(hash)[..8];
            if (taken.Add(id))
            {
                return id;
            }
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}\\z")]
    private static partial Regex ValidId();
}
