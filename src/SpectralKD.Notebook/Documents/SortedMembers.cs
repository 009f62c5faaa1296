using System.Text.Json.Nodes;

namespace SpectralKD.Notebook.Documents;

/// <summary>Sets members of JSON objects where Jupyter, which sorts them by name, would write them.</summary>
internal static class SortedMembers
{
    /// <summary>Replaces a member in its place, or adds it before the first whose name comes later.</summary>
    public static void SetSorted(this JsonObject json, string name, JsonNode? value)
    {
        if (json.ContainsKey(name))
        {
            json[name] = value;
            return;
        }
        var index = 0;
        while (index < json.Count && string.CompareOrdinal(json.GetAt(index).Key, name) < 0)
        {
            index++;
        }
        json.Insert(index, name, value);
    }
}
